"""`insula policy`: which strategy a draft has, learned from what people did with drafts."""
