"""What writes drafts of replies, behind one interface: templates, the user's own good answers, an endpoint."""
