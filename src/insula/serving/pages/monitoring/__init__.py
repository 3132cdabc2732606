"""The dashboard of monitored streams."""
