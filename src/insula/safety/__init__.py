"""Personal data: found, and masked, in English and Chinese text."""
