"""Who may call: keys, tokens, rate limits, quotas, and how a call is denied."""
