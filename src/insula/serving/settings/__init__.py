"""Settings of the service: options, sources, and the settings file."""
