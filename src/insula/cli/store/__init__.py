"""`insula keys`, `insula store`, `insula audit`: the data of a server."""
