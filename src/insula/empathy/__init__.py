"""Replies: the state of a conversation, strategies, and drafts that a person reads before they are sent."""
