"""Access keys and daily quotas: created, stored, charged, rotated and revoked."""
