"""Parts of networks: heads, pooling, padding, adapters."""
