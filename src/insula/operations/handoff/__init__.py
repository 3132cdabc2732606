"""The hand-off queue: messages that a person must see, claimed with a lease, never dropped."""
