"""Access keys over HTTP and on a page: list, create, revoke."""
