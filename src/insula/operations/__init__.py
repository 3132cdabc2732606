"""Operation of a service: API keys, the store and its retention, an audit log, the queue of messages for people."""
