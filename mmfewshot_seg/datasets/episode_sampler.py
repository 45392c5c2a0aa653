"""Which images make up episode ``i``: a pure function of the seed and ``i``.

N ways, K shots, Q queries. The sampler knows pairs of image and class, no files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb

import numpy as np
from numpy.random import RandomState


@dataclass(frozen=True)
class EpisodeIndex:
    """The images of one episode.

    Attributes:
        run: Number of the run.
        index: Number of the episode within its run.
        class_ids: N class ids; way n of the episode (label n) is ``class_ids[n - 1]``.
        support: N tuples of K image ids, all of one way distinct.
        query: Q distinct image ids, none of them a support.
    """

    run: int
    index: int
    class_ids: tuple[int, ...]
    support: tuple[tuple[int, ...], ...]
    query: tuple[int, ...]


class EpisodeSampler:
    """Draws the classes, supports and queries of episodes.

    Episode ``i`` belongs to run ``r = i // num_episodes`` and depends on ``seed + r`` and
    ``i % num_episodes`` alone, so any number of workers and processes, and any point of
    resumption, see the same episodes.

    With ``query_order='random'`` the ways are drawn uniformly, and the class of every query
    uniformly among the ways. (PANet draws the class of a query slot once per data set; as its
    ways come in random order, the distribution is the same.) With ``'images'`` and ``'pairs'``
    the first query walks through the sorted list of images or of pairs, its class is one of the
    ways, at a random place, and the other ways and queries are drawn.

    Images of one way are distinct, no query is a support of any way, and the images of different
    ways are distinct as long as there are enough of them.

    Args:
        pairs: (M, 3) integer rows (image id, class id, pixels of the class in that image).
        class_ids: Classes that may be ways.
        num_ways: Classes of an episode, N.
        num_shots: Supports of a way, K.
        num_queries: Queries of an episode, Q.
        num_episodes: Episodes of a run.
        num_runs: Number of runs.
        seed: Seed of the first run.
        min_area: Pixels of a class from which on an image may be its support and enters the
            list of queries. The class of a listed image is drawn from smaller ones too.
        query_order: ``'random'``, ``'images'`` or ``'pairs'``.
        shuffle_list: Walk through a new permutation of the list in every pass (for training).
        class_names: Names for error messages, indexed by class id.

    Raises:
        ValueError: If a number is no positive integer, the seed is out of range, a pair is listed
            twice, the classes are fewer than the ways, or a class has fewer than K + Q images.

    Examples:
        >>> pairs = [(image, image % 2, 50) for image in range(10)]
        >>> EpisodeSampler(pairs, [0, 1], num_episodes=5).episode(0).class_ids
        (0,)
    """

    def __init__(
        self,
        pairs: np.ndarray,
        class_ids: Sequence[int],
        num_ways: int = 1,
        num_shots: int = 1,
        num_queries: int = 1,
        num_episodes: int = 1000,
        num_runs: int = 1,
        seed: int = 0,
        min_area: int = 0,
        query_order: str = 'random',
        shuffle_list: bool = False,
        class_names: Sequence[str] | None = None,
    ) -> None:
        sizes = {
            'num_ways': num_ways,
            'num_shots': num_shots,
            'num_queries': num_queries,
            'num_episodes': num_episodes,
            'num_runs': num_runs,
        }
        for key, value in sizes.items():
            if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
                raise ValueError(f'{key} must be an integer of at least 1, got {value!r}')
        most = 2**32 - num_runs  # run r has the seed + r, which NumPy takes up to 2**32 - 1
        if (
            not isinstance(seed, int | np.integer)
            or isinstance(seed, bool)
            or not 0 <= seed <= most
        ):
            raise ValueError(f'seed must be an integer from 0 to {most}, got {seed!r}')
        if query_order not in ('random', 'images', 'pairs'):
            raise ValueError(f"query_order is 'random', 'images' or 'pairs', got {query_order!r}")
        self.class_ids = tuple(sorted({int(class_id) for class_id in class_ids}))
        if len(self.class_ids) < num_ways:
            raise ValueError(
                f'{num_ways} ways need as many classes, but only {len(self.class_ids)} can be '
                'drawn: add classes or lower num_ways'
            )
        self.num_ways, self.num_shots, self.num_queries = num_ways, num_shots, num_queries
        self.num_episodes, self.num_runs, self.seed = num_episodes, num_runs, int(seed)
        self.min_area, self.query_order, self.shuffle_list = min_area, query_order, shuffle_list

        pairs = np.asarray(pairs, dtype=np.int64).reshape(-1, 3)
        pairs = pairs[np.isin(pairs[:, 1], self.class_ids) & (pairs[:, 2] > 0)]
        pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
        twice = (np.diff(pairs[:, :2], axis=0) == 0).all(axis=1)
        if twice.any():
            image, class_id = pairs[np.argmax(twice), :2]
            raise ValueError(f'pairs lists class {class_id} of image {image} more than once')
        large = pairs[pairs[:, 2] >= min_area]
        by_class = large[np.argsort(large[:, 1], kind='stable')]
        bounds = np.searchsorted(by_class[:, 1], self.class_ids, side='left')
        self.images = dict(zip(self.class_ids, np.split(by_class[:, 0], bounds[1:]), strict=True))
        self._check_images(class_names)
        self._pairs = pairs
        self._list = large[:, :2] if query_order == 'pairs' else np.unique(large[:, 0])

    def _check_images(self, class_names: Sequence[str] | None) -> None:
        """Every class needs K supports besides the queries."""
        needed = self.num_shots + self.num_queries
        few = [
            f'{class_names[class_id] if class_names else class_id} ({len(images)})'
            for class_id, images in self.images.items()
            if len(images) < needed
        ]
        if few:
            area = f' of at least {self.min_area} pixels' if self.min_area > 1 else ''
            raise ValueError(
                f'{self.num_shots} shots and {self.num_queries} queries need {needed} images'
                f'{area} of every class, too few have: {", ".join(few)}. Add images, leave these '
                'classes out of fold or base_classes, or lower num_shots'
            )

    def __len__(self) -> int:
        return self.num_episodes * self.num_runs

    def episode(self, i: int) -> EpisodeIndex:
        """The images of episode ``i``.

        Raises:
            IndexError: If ``i`` is not within the episodes of all runs.
        """
        if not 0 <= i < len(self):
            raise IndexError(f'episode {i} of {len(self)}')
        run, index = divmod(int(i), self.num_episodes)
        rng = RandomState([self.seed + run, index])
        if self.query_order == 'random':
            classes = rng.permutation(self.class_ids)[: self.num_ways].tolist()
            query = []
        else:
            image, class_id = self._listed_query(rng, run, index)
            classes = [other for other in self.class_ids if other != class_id]
            classes = [class_id, *rng.permutation(classes)[: self.num_ways - 1].tolist()]
            classes = [classes[place] for place in rng.permutation(self.num_ways)]
            query = [image]
        while len(query) < self.num_queries:
            class_id = classes[rng.randint(self.num_ways)]
            query.append(self._draw(rng, class_id, query))
        support, used = [], list(query)
        for class_id in classes:
            shots: list[int] = []
            for _ in range(self.num_shots):
                shots.append(self._draw(rng, class_id, query + shots, used))
                used.append(shots[-1])
            support.append(tuple(shots))
        return EpisodeIndex(run, index, tuple(classes), tuple(support), tuple(query))

    def _listed_query(self, rng: RandomState, run: int, index: int) -> tuple[int, int]:
        """Image and class of place ``index`` in the repeated list."""
        turn, place = divmod(index, len(self._list))
        if self.shuffle_list:
            place = _shuffled(self.seed + run, turn, len(self._list))[place]
        if self.query_order == 'pairs':
            image, class_id = self._list[place].tolist()
            return image, class_id
        image = int(self._list[place])
        first, last = np.searchsorted(self._pairs[:, 0], [image, image + 1])
        return image, int(self._pairs[rng.randint(first, last), 1])

    def _draw(
        self, rng: RandomState, class_id: int, forbidden: list[int], unwanted: Sequence[int] = ()
    ) -> int:
        """An image of the class, uniform over those not forbidden nor, if any is left, unwanted."""
        images = self.images[class_id]
        barred = {*forbidden, *unwanted}
        places = np.minimum(np.searchsorted(images, list(barred)), len(images) - 1)
        if np.count_nonzero(images[places] == list(barred)) == len(images):
            barred = set(forbidden)
        while (image := int(images[rng.randint(len(images))])) in barred:
            pass
        return image

    def num_possible(self) -> int:
        """Number of different episodes whose queries all show one way.

        Images that show several classes count for each of them, so with two or more ways the
        number is an upper bound.
        """
        without, with_query = [1] + [0] * self.num_ways, [0] * (self.num_ways + 1)
        for images in self.images.values():
            support = comb(len(images), self.num_shots)
            both = comb(len(images), self.num_queries) * comb(
                len(images) - self.num_queries, self.num_shots
            )
            for ways in range(self.num_ways, 0, -1):
                with_query[ways] += with_query[ways - 1] * support + without[ways - 1] * both
                without[ways] += without[ways - 1] * support
        return with_query[self.num_ways]


@lru_cache(maxsize=2)  # the episodes of a turn come one after another
def _shuffled(seed: int, turn: int, length: int) -> np.ndarray:
    """(length,) int64, the places of a list in the order of one turn."""
    return RandomState([seed, turn, 1]).permutation(length)
