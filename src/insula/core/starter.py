"""The name of the model that comes with insula and answers where no other is named."""

from __future__ import annotations

STARTER = "starter"
