"""A data set whose items are episodes."""

from collections.abc import Mapping, Sequence

import mmcv.transforms  # noqa: F401  registers LoadImageFromFile and others for pipelines
import numpy as np
from mmengine.dataset import Compose
from mmengine.logging import print_log
from torch.utils.data import Dataset

from mmfewshot_seg.classes import class_split
from mmfewshot_seg.classes.class_split import ClassList
from mmfewshot_seg.classes.folds import resolve_classes
from mmfewshot_seg.datasets.episode_sampler import EpisodeSampler
from mmfewshot_seg.datasets.pack_episode import pack_episode
from mmfewshot_seg.datasets.protocols import resolve_protocol
from mmfewshot_seg.datasets.seeded_rng import seeded_rng
from mmfewshot_seg.datasets.sources.base import EpisodeSource
from mmfewshot_seg.datasets.transforms.load_episode_mask import LoadEpisodeMask
from mmfewshot_seg.datasets.transforms.place_superpixel_seeds import PlaceSuperpixelSeeds
from mmfewshot_seg.registry import DATASETS, register

TRAIN_EPISODES = 1_000_000


@register(DATASETS, host='mmseg')
class FewShotDataset(Dataset):
    """Episodes of ``num_ways`` classes, ``num_shots`` supports a class and ``num_queries`` queries.

    An item is a pure function of the seed and its index, augmentation included: any number of
    workers and processes gives the same. For training use an ``InfiniteSampler`` with
    ``shuffle=False`` and the default number of episodes, which no schedule exhausts; an
    epoch-based loop would see the same ``num_episodes`` episodes in every epoch.

    Objects of other classes, novel ones in training too, are background.

    Args:
        source: An :class:`EpisodeSource` or its config.
        pipeline: Transforms of every image, each image by itself; one of them is
            ``'mmfewshot_seg.LoadEpisodeMask'``.
        support_pipeline: Transforms of the supports, if they differ.
        query_pipeline: Transforms of the queries, if they differ.
        fold: Novel classes: number of a fold of the source, names, path of a file with one name
            per line, or None, then every class is drawn.
        fold_style: Which table of folds; the protocol's by default.
        base_classes: Names to train on, or the path of such a file; all but the novel ones by
            default.
        test_mode: Whether episodes ask for the novel classes instead of the base classes.
        num_ways: Classes of an episode.
        num_shots: Supports of a class.
        num_queries: Queries of an episode.
        num_episodes: Episodes of a run; by default the protocol's in a test, a million in training.
        num_runs: Test runs, run r with the seed ``seed + r``; by default the protocol's in a
            test, one in training.
        seed: The protocol's by default.
        protocol: A name in :data:`PROTOCOLS`, or a dict with such a ``name`` and values that
            replace those of :class:`Protocol`.
        allow_novel_in_training: Accept ``base_classes`` that are novel.
        drop_novel_images: Leave images that show a novel class out of the training.

    Raises:
        ValueError: If an argument is unknown or contradicts another, or a class has too few
            images.
    """

    def __init__(
        self,
        source: EpisodeSource | dict,
        pipeline: Sequence | None = None,
        support_pipeline: Sequence | None = None,
        query_pipeline: Sequence | None = None,
        fold: int | ClassList | None = None,
        fold_style: str | None = None,
        base_classes: ClassList | None = None,
        test_mode: bool = False,
        num_ways: int = 1,
        num_shots: int = 1,
        num_queries: int = 1,
        num_episodes: int | None = None,
        num_runs: int | None = None,
        seed: int | None = None,
        protocol: str | Mapping = 'panet',
        allow_novel_in_training: bool = False,
        drop_novel_images: bool = False,
    ) -> None:
        self.source = DATASETS.build(source) if isinstance(source, Mapping) else source
        rules = resolve_protocol(protocol, getattr(self.source, 'benchmark', None))
        self.protocol = rules
        self.test_mode = test_mode
        self.pipelines = {
            'support': _build_pipeline('support', support_pipeline or pipeline),
            'query': _build_pipeline('query', query_pipeline or pipeline),
        }
        names = tuple(self.source.class_names)
        self.novel_classes: tuple[str, ...] = ()
        style = fold_style or rules.fold_style
        class_split.check_style(style, self.source.folds)
        if fold is not None:
            self.novel_classes = class_split.novel_classes(fold, names, self.source.folds, style)
        self.base_classes = class_split.base_classes(
            base_classes, names, self.novel_classes, test_mode or allow_novel_in_training
        )
        drawn = self.novel_classes if test_mode and fold is not None else self.base_classes
        pairs = self.source.pairs
        if drop_novel_images and not test_mode:
            pairs = self._without_novel_images(pairs)
        if num_episodes is None:
            num_episodes = rules.num_episodes if test_mode else TRAIN_EPISODES
        if num_runs is None:
            num_runs = rules.num_runs if test_mode else 1
        self.sampler = EpisodeSampler(
            pairs,
            resolve_classes(drawn, names),
            num_ways=num_ways,
            num_shots=num_shots,
            num_queries=num_queries,
            num_episodes=num_episodes,
            num_runs=num_runs,
            seed=rules.seed if seed is None else seed,
            min_area=rules.min_area,
            query_order=rules.query_order,
            shuffle_list=not test_mode,
            class_names=names,
        )
        print_log(self.report(), logger='current')
        self[0]  # transforms that do not fit fail here, not in a worker process

    @property
    def metainfo(self) -> dict:
        """Classes, protocol and size of the episodes, for metric and visualizer."""
        return {
            'classes': tuple(self.source.class_names),
            'base_classes': self.base_classes,
            'novel_classes': self.novel_classes,
            'protocol': self.protocol.name,
            'eval_at': self._eval_at,
            'num_ways': self.sampler.num_ways,
            'num_shots': self.sampler.num_shots,
            'num_queries': self.sampler.num_queries,
            'num_episodes': self.sampler.num_episodes,
            'num_runs': self.sampler.num_runs,
            'seed': self.sampler.seed,
        }

    def __len__(self) -> int:
        return len(self.sampler)

    def __getitem__(self, i: int) -> dict:
        """Episode ``i``.

        Returns:
            ``inputs``: uint8 tensors ``query`` (Q, 3, H, W), ``support`` (N, K, 3, H', W') and
            ``support_masks`` (N, K, H', W'), and ``support_seeds``, see :func:`pack_episode`;
            ``data_samples``: an :class:`Episode`.
        """
        index = self.sampler.episode(i)
        with seeded_rng([self.sampler.seed + index.run, index.index, 2]):
            support = [
                [self._load(image, index.class_ids, 'support', way) for image in images]
                for way, images in enumerate(index.support, start=1)
            ]
            query = [self._load(image, index.class_ids, 'query') for image in index.query]
        return pack_episode(support, query, index, self.source.class_names, self._eval_at)

    def report(self) -> str:
        """Classes, images of each, number of episodes and how they are drawn."""
        sampler, protocol = self.sampler, self.protocol
        names = [self.source.class_names[class_id] for class_id in sampler.images]
        width = max(map(len, names))
        cells = [
            f'{name:<{width}} {len(images):>6}'
            for name, images in zip(names, sampler.images.values(), strict=True)
        ]
        columns = max(1, 96 // (width + 10))
        area = f' (of at least {protocol.min_area} pixels)' if protocol.min_area > 1 else ''
        runs = f'{sampler.num_runs} runs of ' if sampler.num_runs > 1 else ''
        queries = 'query' if sampler.num_queries == 1 else 'queries'
        return '\n'.join(
            [
                f'{type(self.source).__name__}: {len(self.source)} images; '
                f'{"test" if self.test_mode else "training"} on {len(names)} of '
                f'{len(self.source.class_names)} classes. Images of a class{area}:',
                *('   '.join(cells[i : i + columns]) for i in range(0, len(cells), columns)),
                f'{sampler.num_ways}-way {sampler.num_shots}-shot episodes with '
                f'{sampler.num_queries} {queries}: {runs}{sampler.num_episodes:,}; '
                f'{_rounded(sampler.num_possible())} different ones are possible',
                f'protocol {protocol.name}, seed {sampler.seed}, labels at {self._eval_at} '
                'resolution',
            ]
        )

    @property
    def _eval_at(self) -> str:
        return self.protocol.eval_at if self.test_mode else 'network'

    def _without_novel_images(self, pairs: np.ndarray) -> np.ndarray:
        if not self.novel_classes:
            raise ValueError('drop_novel_images needs novel classes: set fold')
        novel = np.isin(pairs[:, 1], resolve_classes(self.novel_classes, self.source.class_names))
        return pairs[~np.isin(pairs[:, 0], pairs[novel, 0])]

    def _load(self, image: int, class_ids: tuple[int, ...], role: str, way: int = 0) -> dict:
        """Results of the pipeline for one image; ``way`` is 0 for a query."""
        results = self.pipelines[role](
            {
                'img_path': self.source.image_path(image),
                'seg_fields': [],
                'source': self.source,
                'image': image,
                'class_ids': class_ids,
                'role': role,
                'way': way,
                'support_void': self.protocol.support_void,
            }
        )
        if results is None:
            raise ValueError(
                f'a transform of the {role} pipeline gave up on {self.source.image_path(image)}'
            )
        return results


def _build_pipeline(role: str, transforms: Sequence | None) -> Compose:
    """Transforms of one role, checked to load an episode mask once."""
    if not transforms:
        raise ValueError(f'no transforms for the {role} images: give pipeline or {role}_pipeline')
    pipeline = Compose(transforms)
    count = sum(isinstance(transform, LoadEpisodeMask) for transform in pipeline.transforms)
    if count != 1:
        raise ValueError(
            f"the {role} pipeline needs dict(type='mmfewshot_seg.LoadEpisodeMask') once, after "
            f'LoadImageFromFile; it has it {count} times'
        )
    early = pipeline.transforms[:-1]
    if any(isinstance(transform, PlaceSuperpixelSeeds) for transform in early):
        raise ValueError(
            f'mmfewshot_seg.PlaceSuperpixelSeeds must be the last transform of the {role} '
            'pipeline: later ones would move the mask away from its seeds'
        )
    return pipeline


def _rounded(number: int) -> str:
    return f'{number:,}' if number < 10**9 else f'about 10^{len(str(number)) - 1}'
