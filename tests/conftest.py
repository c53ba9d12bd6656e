"""Fixtures that all tests share."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def rng(request):
    """A generator that gives the same numbers in every run of the same test."""
    seed = sum(ord(letter) * (i + 1) for i, letter in enumerate(request.node.nodeid))
    return np.random.default_rng(seed)
