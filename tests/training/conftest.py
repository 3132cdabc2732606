"""Fixtures of the tests that train networks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from unexported import unexported


@pytest.fixture(scope="module")
def without_export() -> Iterator[None]:
    """Skip the export of networks, for tests of other parts."""
    with unexported():
        yield
