"""`insula keys`, `insula store`, `insula audit`: the data that a server stores."""
