"""`insula queue`: messages that a person must see."""
