"""One support set of supports that were fitted singly, as few-shot heads join them.

A state is a dict of arrays whose first dimension is 1. Shape letters: ``N`` ways, ``C`` channels,
``P`` prototypes, ``S`` positions.
"""

from collections.abc import Sequence

import numpy as np

State = dict[str, np.ndarray]


def join_means(ways: Sequence[Sequence[State]], negatives: Sequence[State] = ()) -> State:
    """``prototypes`` (1, 1+N, C) of PANet: means over shots, the background's over ways too."""
    means = [np.mean([shot['prototypes'] for shot in shots], axis=0) for shots in ways]
    background = np.mean([mean[:, :1] for mean in means], axis=0)
    return dict(prototypes=np.concatenate([background, *(mean[:, 1:] for mean in means)], axis=1))


def join_prototypes(ways: Sequence[Sequence[State]], negatives: Sequence[State] = ()) -> State:
    """``prototypes`` (1, N, P, C) and ``valid`` (1, N, P) of ASGNet, those of all shots.

    A way with fewer prototypes ends in ones that are not valid.
    """
    joined = [
        {name: np.concatenate([shot[name] for shot in shots], axis=2) for name in shots[0]}
        for shots in ways
    ]
    most = max(way['valid'].shape[2] for way in joined)
    for way in joined:
        missing = [(0, 0), (0, 0), (0, most - way['valid'].shape[2])]
        way['prototypes'] = np.pad(way['prototypes'], [*missing, (0, 0)])
        way['valid'] = np.pad(way['valid'], missing)
    return {name: np.concatenate([way[name] for way in joined], axis=1) for name in joined[0]}


def join_positions(ways: Sequence[Sequence[State]], negatives: Sequence[State] = ()) -> State:
    """``features`` (1, S, C) and ``weights`` (1, 1+N, S) of dense matching, all positions."""
    shots = [(way, shot) for way, shots in enumerate(ways, start=1) for shot in shots]
    shots += [(0, shot) for shot in negatives]
    rows = []
    for way, shot in shots:
        weights = shot['weights']
        row = np.zeros((1, 1 + len(ways), weights.shape[2]), weights.dtype)
        row[:, 0] = weights[:, 0]
        if way:
            row[:, way] = weights[:, 1]
        rows.append(row)
    features = np.concatenate([shot['features'] for _, shot in shots], axis=1)
    return dict(features=features, weights=np.concatenate(rows, axis=2))


JOINS = dict(means=join_means, prototypes=join_prototypes, positions=join_positions)
"""By the word that the meta data of a graph use."""
