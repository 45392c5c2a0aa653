"""Random numbers of transforms that do not depend on the process that draws them."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def seeded_rng(key: Sequence[int]) -> Iterator[None]:
    """Seed the global generators of ``random``, NumPy and torch (CPU), and restore them after.

    Args:
        key: Non-negative integers below 2**32; each sequence is a state of its own.

    Examples:
        >>> with seeded_rng([1, 2]):
        ...     first = np.random.rand()
        >>> with seeded_rng([1, 2]):
        ...     assert np.random.rand() == first
    """
    states = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        try:
            np.random.seed(list(key))
            seed = int(np.random.randint(2**31))
            random.seed(seed)
            torch.random.default_generator.manual_seed(seed)
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])
