"""Monitored streams over HTTP: their trends, alerts and deliveries, read from the store of the service."""
