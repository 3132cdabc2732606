"""Operation of a service: API keys and quotas, the store and its retention, a tamper-evident audit log."""
