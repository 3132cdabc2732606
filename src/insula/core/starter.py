"""The name of the built-in model, the default when no model is given."""

from __future__ import annotations

STARTER = "starter"
