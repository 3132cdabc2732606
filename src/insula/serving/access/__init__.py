"""Who may call: keys, tokens, rates, and what is refused."""
