"""`insula empathy`: the empathy that replies show."""
