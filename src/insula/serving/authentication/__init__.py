"""Authentication and limits of callers: access keys, tokens, scopes, rate limits, daily quotas, denied calls."""
