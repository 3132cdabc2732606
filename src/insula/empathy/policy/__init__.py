"""Policies that choose which strategy the first draft has, and learn from what people did with drafts."""
