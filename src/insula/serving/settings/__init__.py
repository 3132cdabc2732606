"""Settings of the service, from TOML and the environment, validated at start."""
