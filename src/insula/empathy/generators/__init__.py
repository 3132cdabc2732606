"""Generators of drafts behind one interface: templates, the user's own good answers, language models."""
