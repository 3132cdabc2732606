"""Fixtures of the tests that train networks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from unexported import unexported


@pytest.fixture(scope="module")
def without_export() -> Iterator[None]:
    """Networks are not exported: for tests of something else."""
    with unexported():
        yield
