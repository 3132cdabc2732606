"""The outbox: notifications that are stored with what they report, and delivered until their receiver has them."""
