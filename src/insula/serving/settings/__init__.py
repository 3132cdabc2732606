"""Settings of the service: options, sources, and the file that explains them."""
