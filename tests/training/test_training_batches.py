"""Training batches: every row once, little padding, even sizes, an order that depends on seed and epoch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insula.training.neural.batches import MAX_ROWS_FACTOR, BudgetBatches, EvenBatches

lengths_of_rows = st.lists(st.integers(1, 200), min_size=1, max_size=300)


def _batches(lengths: list[int], size: int, epoch: int = 0, **more: int) -> list[list[int]]:
    batches = EvenBatches(lengths, size, seed=more.pop("seed", 0), **more)
    batches.set_epoch(epoch)
    made = list(batches)
    assert len(made) == len(batches)
    return made


@given(lengths_of_rows, st.integers(1, 40), st.integers(0, 3))
def test_every_row_is_in_one_batch(lengths: list[int], size: int, epoch: int) -> None:
    made = _batches(lengths, size, epoch)
    assert sorted(row for batch in made for row in batch) == list(range(len(lengths)))
    assert len(made) == -(-len(lengths) // size)
    assert all(1 <= len(batch) <= MAX_ROWS_FACTOR * size for batch in made)


@given(lengths_of_rows, st.integers(2, 40), st.integers(2, 4))
def test_processes_share_every_step(lengths: list[int], size: int, processes: int) -> None:
    shares = [_batches(lengths, size, process=one, processes=processes) for one in range(processes)]
    assert len({len(share) for share in shares}) == 1
    rows = [row for share in shares for batch in share for row in batch]
    assert set(rows) == set(range(len(lengths)))
    if len(lengths) >= len(shares[0]) * processes:
        assert len(rows) == len(lengths)


@pytest.mark.parametrize(
    ("size", "processes", "an_update"), [(32, 2, 32), (32, 3, 30), (32, 5, 30), (2, 3, 3), (1, 4, 4)]
)
def test_uneven_processes_round_the_batch_down(size: int, processes: int, an_update: int) -> None:
    shares = [_batches([7] * 960, size, process=one, processes=processes) for one in range(processes)]
    assert {len(share) for share in shares} == {960 // an_update}
    assert {len(batch) for share in shares for batch in share} == {an_update // processes}


def _like_comments(rows: int = 8000) -> list[int]:
    """Lengths like those of short comments, with a long right tail."""
    return np.clip(np.random.default_rng(0).lognormal(2.8, 0.6, size=rows), 3, 128).astype(int).tolist()


@pytest.mark.parametrize("rows", [3000, 8000])
@pytest.mark.parametrize("epoch", [0, 5])
def test_batches_have_little_padding_and_even_sizes(rows: int, epoch: int) -> None:
    lengths = np.array(_like_comments(rows))
    made = _batches(lengths.tolist(), 32, epoch)
    padded = np.array([lengths[batch].max() * len(batch) for batch in made])
    assert 1 - lengths.sum() / padded.sum() < 0.05
    random = np.array([lengths[i : i + 32].max() * 32 for i in range(0, rows, 32)])
    assert padded.max() < random.mean()
    assert padded.std() / padded.mean() < 0.35


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    lengths = _like_comments(500)
    first = _batches(lengths, 16, epoch=1, seed=3)
    assert _batches(lengths, 16, epoch=1, seed=3) == first
    assert _batches(lengths, 16, epoch=2, seed=3) != first
    assert _batches(lengths, 16, epoch=1, seed=4) != first
    # Rows meet other rows in each epoch: it is not the same batches in another order.
    again = {tuple(sorted(batch)) for batch in _batches(lengths, 16, epoch=2, seed=3)}
    assert not again & {tuple(sorted(batch)) for batch in first}


def test_evaluation_sees_every_row_once() -> None:
    lengths = _like_comments(300)
    batches = BudgetBatches(lengths)
    assert sorted(row for batch in batches for row in batch) == list(range(300))
    assert len(list(batches)) == len(batches)
