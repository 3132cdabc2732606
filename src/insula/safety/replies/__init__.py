"""The filter of outgoing replies: what an automatic answer must not say to a person in distress."""
