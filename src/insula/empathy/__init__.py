"""Replies: the state of a conversation, strategies, drafts for a person to read and send, and scores of empathy."""
