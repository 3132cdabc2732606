"""Rules for English and Chinese text: personal data to mask, signals of risk, replies that must not be sent."""
