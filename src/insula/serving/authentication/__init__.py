"""Who may call, and how much: access keys, tokens, scopes, rate limits, daily quotas, and how a call is denied."""
