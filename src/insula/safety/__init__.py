"""Recognition and masking of personal data in English and Chinese text."""
