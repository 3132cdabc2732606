"""Rounding weights with an eye on what flows through them."""

from __future__ import annotations

import numpy as np

from insula.compression.quantization.rounding import round_to_levels
from insula.compression.quantization.weight_only import pack_blocks


def test_rounding_by_what_is_seen_changes_the_product_less() -> None:
    random = np.random.default_rng(0)
    weight = random.normal(size=(160, 24)).astype(np.float32)  # more inputs than a block
    mixed = random.normal(size=(40, 160))
    seen = (random.normal(size=(600, 40)) @ mixed + 0.1 * random.normal(size=(600, 160))).astype(np.float32)
    fresh = (random.normal(size=(200, 40)) @ mixed).astype(np.float32)
    scales = np.abs(weight).max(axis=0) / 7
    plain, aware = (round_to_levels(weight, scales, -7, 7, given) * scales for given in (None, seen))
    errors = [np.square(fresh @ (one - weight)).mean() for one in (plain, aware)]
    assert errors[1] < 0.5 * errors[0]
    assert np.abs(plain - weight).max() <= np.abs(scales).max() / 2 * 1.001


def test_levels_stay_in_their_range_and_are_whole() -> None:
    random = np.random.default_rng(0)
    weight, seen = random.normal(size=(50, 8)).astype(np.float32), random.normal(size=(5, 50)).astype(np.float32)
    levels = round_to_levels(weight, np.full(8, 0.1, np.float32), -3, 3, seen)
    assert levels.min() == -3
    assert levels.max() == 3
    np.testing.assert_array_equal(levels, np.rint(levels))


def test_inputs_short_of_a_block_are_padded_with_nothing() -> None:
    weight = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    packed, scales = pack_blocks(weight, 8, 32)
    levels = packed.reshape(6, 64).astype(np.float32) - 128
    assert not levels[:, 40:].any()
    back = levels.reshape(6, 2, 32) * scales.reshape(6, 2, 1)
    np.testing.assert_allclose(back.reshape(6, 64)[:, :40].T, weight, atol=np.abs(scales).max())
