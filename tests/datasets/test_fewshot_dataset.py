"""Items of the few-shot data set: which, at which resolution, the same in any process."""

import random

import cv2
import mmengine.dataset.sampler
import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.dataset import DefaultSampler, InfiniteSampler
from mmengine.registry import init_default_scope
from torch.utils.data import DataLoader

from mmfewshot_seg.datasets.fewshot_dataset import FewShotDataset
from mmfewshot_seg.datasets.sources.base import EpisodeSource
from mmfewshot_seg.functional.superpixel_seeds import superpixel_seeds
from mmfewshot_seg.registry import DATASETS

LOAD = dict(type='LoadImageFromFile')
MASK = dict(type='mmfewshot_seg.LoadEpisodeMask')
RESIZE = dict(type='mmseg.Resize', scale=(24, 16))
SEEDS = dict(type='mmfewshot_seg.PlaceSuperpixelSeeds', stride=2, area=3)
TRAIN = [
    LOAD,
    MASK,
    dict(
        type='RandomResize',
        scale=(24, 16),
        ratio_range=(0.8, 1.2),
        resize_type='mmseg.Resize',
    ),
    dict(type='mmseg.RandomFlip', prob=0.5),
    dict(type='mmfewshot_seg.RandomGaussianBlur'),
    dict(type='mmseg.RandomRotate', prob=0.5, degree=10),
    dict(type='Pad', size=(24, 16)),
    dict(type='mmfewshot_seg.RandomCropKeepForeground', crop_size=(16, 16)),
]
NAMES = ('ant', 'bee', 'cat', 'dog', 'eel')


class BlockSource(EpisodeSource):
    """25 images (12 + j % 2, 20); image j shows class j % 5 and, at times, the next one."""

    class_names = NAMES
    folds = {'contiguous': (('ant',), ('bee', 'cat'))}

    def __init__(self, folder, benchmark=None):
        super().__init__(index_dir=None)
        self.folder, self.benchmark = folder, benchmark

    def __len__(self):
        return 25

    def image_path(self, j):
        return str(self.folder / f'{j}.png')

    def _classes(self, j):
        classes = np.full((12 + j % 2, 20), -1)
        classes[2:9, 3:11] = j % 5
        if j % 3 == 0:
            classes[4:7, 12:18] = (j + 1) % 5
        classes[0] = 255
        return classes

    def label_map(self, j, class_ids):
        classes, label = self._classes(j), np.zeros((12 + j % 2, 20), np.uint8)
        for way, class_id in enumerate(class_ids, 1):
            label[classes == class_id] = way
        label[classes == 255] = 255
        return label

    def class_areas(self, j):
        classes = self._classes(j)
        ids, areas = np.unique(classes[(classes >= 0) & (classes < 255)], return_counts=True)
        return classes.shape, dict(zip(ids.tolist(), areas.tolist(), strict=True))

    def files(self):
        return map(self.image_path, range(25))


@pytest.fixture(scope='module')
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp('blocks')
    built = BlockSource(folder)
    rng = np.random.RandomState(0)
    for j in range(25):
        cv2.imwrite(built.image_path(j), rng.randint(0, 256, (12 + j % 2, 20, 3), np.uint8))
    return built


@pytest.fixture(autouse=True)
def no_default_scope(monkeypatch):
    monkeypatch.setattr('mmengine.registry.DefaultScope._instance_dict', {})


def blocks(source, pipeline=(LOAD, MASK, RESIZE), **kwargs):
    return FewShotDataset(source, list(pipeline), **kwargs)


def flat(item):
    episode = item['data_samples']
    return (
        *(value.numpy().tobytes() for value in item['inputs'].values()),
        episode.query_masks.numpy().tobytes(),
        episode.run,
        episode.index,
        episode.class_ids,
        episode.support_paths,
        episode.query_paths,
    )


def test_item(source):
    data = blocks(
        source, num_ways=2, num_shots=3, num_queries=2, num_episodes=4, num_runs=2, seed=5
    )
    assert len(data) == 8
    item, index = data[6], data.sampler.episode(6)
    inputs, episode = item['inputs'], item['data_samples']
    assert inputs['query'].shape == (2, 3, 16, 24) and inputs['query'].dtype == torch.uint8
    assert inputs['support'].shape == (2, 3, 3, 16, 24)
    assert inputs['support_masks'].shape == (2, 3, 16, 24)
    assert episode.query_masks.shape == (2, 16, 24) and episode.query_masks.dtype == torch.int64
    assert (episode.run, episode.index, episode.class_ids) == (1, 2, index.class_ids)
    assert episode.class_names == tuple(NAMES[class_id] for class_id in index.class_ids)
    assert episode.img_shapes == episode.eval_shapes == ((16, 24),) * 2
    assert episode.query_paths == tuple(source.image_path(j) for j in index.query)
    for way in range(2):
        for shot in range(3):
            j = index.support[way][shot]
            assert episode.support_paths[way][shot] == source.image_path(j)
            image = cv2.resize(cv2.imread(source.image_path(j)), (24, 16))
            assert (inputs['support'][way, shot].permute(1, 2, 0).numpy() == image).all()
            label = source.label_map(j, index.class_ids)
            label[label == 255] = 0  # the rule of PANet
            label = cv2.resize(label, (24, 16), interpolation=cv2.INTER_NEAREST)
            assert (inputs['support_masks'][way, shot].numpy() == label).all()
            assert way + 1 in label
    label = source.label_map(index.query[1], index.class_ids)
    label = cv2.resize(label, (24, 16), interpolation=cv2.INTER_NEAREST)
    assert (episode.query_masks[1].numpy() == label).all() and 255 in label


def test_void_of_supports_by_protocol(source):
    panet, pfenet = (
        blocks(source, protocol=dict(name=name, min_area=0), num_episodes=3)[0]['inputs']
        for name in ('panet', 'pfenet')
    )
    assert 255 not in panet['support_masks'] and 255 in pfenet['support_masks']


def test_unlike_sizes_are_padded(source):
    data = blocks(source, [LOAD, MASK], num_queries=3, num_shots=1, num_episodes=20)
    for i in range(20):
        item, index = data[i], data.sampler.episode(i)
        heights = [12 + j % 2 for j in index.query]
        assert item['data_samples'].img_shapes == tuple((height, 20) for height in heights)
        assert item['inputs']['query'].shape == (3, 3, max(heights), 20)
        if heights[0] < max(heights):
            assert not item['inputs']['query'][0, :, 12:].any()
            assert (item['data_samples'].query_masks[0, 12:] == 255).all()
            break
    else:
        pytest.fail('no episode with queries of unlike size')


def test_seeds_of_supports(source):
    data = blocks(
        source, support_pipeline=[LOAD, MASK, RESIZE, SEEDS], num_ways=2, num_shots=3, seed=5
    )
    inputs = data[0]['inputs']
    assert inputs['support_seeds'].shape == (2, 3, 5, 2)
    assert inputs['support_seeds'].dtype == torch.int64
    for way in range(2):
        for shot in range(3):
            mask = inputs['support_masks'][way, shot].numpy() == way + 1
            expected = superpixel_seeds(mask, (8, 12), area=3)
            assert (inputs['support_seeds'][way, shot].numpy() == expected).all()
    assert 'support_seeds' not in blocks(source)[0]['inputs']


def test_seeds_of_padded_supports_are_left_out(source):
    data = blocks(source, support_pipeline=[LOAD, MASK, SEEDS], num_shots=2, num_episodes=20)
    unlike = set()
    for i in range(20):
        heights = {12 + j % 2 for j in data.sampler.episode(i).support[0]}
        assert (data[i]['inputs']['support_seeds'] is None) == (len(heights) == 2)
        unlike.add(len(heights))
    assert unlike == {1, 2}


def test_original_resolution(source):
    protocol = dict(name='panet', eval_at='original')
    data = blocks(
        source,
        support_pipeline=[LOAD, MASK, RESIZE],
        pipeline=[LOAD, RESIZE, MASK],
        protocol=protocol,
        test_mode=True,
    )
    episode, index = data[1]['data_samples'], data.sampler.episode(1)
    height = 12 + index.query[0] % 2
    assert episode.img_shapes == ((16, 24),) and episode.eval_shapes == ((height, 20),)
    label = source.label_map(index.query[0], index.class_ids)
    assert (episode.query_masks[0].numpy() == label).all()
    assert data.metainfo['eval_at'] == 'original'
    training = blocks(source, protocol=protocol)
    assert training[1]['data_samples'].eval_shapes == ((16, 24),)


def test_padded_resolution(source):
    image = [
        dict(type='mmfewshot_seg.ResizeLongSide', long_side=25),
        dict(type='Pad', size=(25, 25)),
    ]
    data = blocks(
        source,
        support_pipeline=[LOAD, MASK, *image],
        pipeline=[LOAD, *image, MASK],
        protocol=dict(name='pfenet', min_area=20),
        test_mode=True,
    )
    item = data[0]
    episode, index = item['data_samples'], data.sampler.episode(0)
    assert index.query == (0,)
    assert item['inputs']['query'].shape == (1, 3, 25, 25)
    assert not item['inputs']['query'][..., 24:].any()  # 12 x 20 -> 15 x 25 -> 8 x 24
    assert episode.img_shapes == ((25, 25),) and episode.eval_shapes == ((20, 20),)
    assert episode.query_masks.shape == (1, 12, 20)
    masks = item['inputs']['support_masks']
    height = 8 + 8 * (index.support[0][0] % 2)  # 13 x 20 -> 16 x 25 -> 16 x 24
    assert (masks[..., height:, :] == 255).all() and (masks[..., 24:] == 255).all()
    assert (masks == 1).any()
    assert data.metainfo['eval_at'] == 'padded'


@pytest.mark.parametrize(
    ('query_pipeline', 'eval_at', 'message'),
    [
        ([LOAD, MASK, RESIZE], 'original', r'\(16, 24\) where \(1[23], 20\) .* last in the query'),
        ([LOAD, RESIZE, MASK], 'network', r'where \(16, 24\) is needed: put .* before the trans'),
        ([LOAD, RESIZE, MASK], 'padded', r"needs square query images, got \(16, 24\).*type='Pad'"),
        (
            [LOAD, MASK, RESIZE, dict(type='Normalize', mean=[0] * 3, std=[1] * 3)],
            'network',
            'gives a float32 image .* leave it out of the pipeline',
        ),
    ],
)
def test_labels_at_the_wrong_place(source, query_pipeline, eval_at, message):
    with pytest.raises(ValueError, match=message):
        blocks(
            source,
            query_pipeline=query_pipeline,
            protocol=dict(name='panet', eval_at=eval_at),
            test_mode=True,
        )


def test_support_label_at_the_wrong_place(source):
    with pytest.raises(ValueError, match='the label of this support has the size'):
        blocks(source, support_pipeline=[LOAD, RESIZE, MASK])


def test_items_do_not_depend_on_global_state(source):
    data = blocks(source, TRAIN, num_ways=2, num_shots=2, seed=3)
    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    one = [flat(data[i]) for i in range(5)]
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    assert [flat(data[i]) for i in reversed(range(5))] == one[::-1]
    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    fresh = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    assert states == fresh  # items leave the global state alone
    other = blocks(source, TRAIN, num_ways=2, num_shots=2, seed=4)
    assert flat(other[0]) != one[0]


def test_augmentation_differs_between_images_and_episodes(source):
    flip = [LOAD, MASK, dict(type='mmseg.RandomFlip', prob=0.5)]
    data = blocks(source, flip, num_shots=2, num_episodes=30)
    flipped = set()
    for i in range(30):
        item, index = data[i], data.sampler.episode(i)
        row = []
        for shot, j in enumerate(index.support[0]):
            image = cv2.imread(source.image_path(j))
            seen = item['inputs']['support'][0, shot].permute(1, 2, 0).numpy()[: len(image)]
            row.append(bool((seen != image).any()))
            assert (seen == (image[:, ::-1] if row[-1] else image)).all()
        flipped.add(tuple(row))
    assert flipped == {(a, b) for a in (False, True) for b in (False, True)}


def test_workers_change_nothing(source):
    data = blocks(source, TRAIN, num_episodes=6)
    lists = [
        [flat(item) for item in DataLoader(data, None, num_workers=workers)] for workers in (0, 2)
    ]
    assert lists[0] == lists[1] and len(set(lists[0])) == 6


@pytest.mark.parametrize('sampler', [InfiniteSampler, DefaultSampler])
def test_processes_share_the_episodes_of_one(source, sampler, monkeypatch):
    data = blocks(source, num_episodes=8)

    def drawn(rank, world_size, count):
        monkeypatch.setattr(mmengine.dataset.sampler, 'get_dist_info', lambda: (rank, world_size))
        indices = iter(sampler(data, shuffle=False, seed=0))
        return [flat(data[next(indices)]) for _ in range(count)]

    alone = drawn(0, 1, 8)
    assert [
        item for pair in zip(drawn(0, 2, 4), drawn(1, 2, 4), strict=True) for item in pair
    ] == alone


def test_fold_divides_the_classes(source, tmp_path):
    assert blocks(source, fold=1).metainfo['base_classes'] == ('ant', 'dog', 'eel')
    assert tuple(blocks(source, fold=1).sampler.images) == (0, 3, 4)
    assert tuple(blocks(source, fold=1, test_mode=True).sampler.images) == (1, 2)
    assert tuple(blocks(source, test_mode=True).sampler.images) == (0, 1, 2, 3, 4)
    (tmp_path / 'novel.txt').write_text('dog\n\nant\n')
    (tmp_path / 'base.txt').write_text('eel\n')
    listed = dict(fold=str(tmp_path / 'novel.txt'), base_classes=str(tmp_path / 'base.txt'))
    assert tuple(blocks(source, **listed).sampler.images) == (4,)
    assert tuple(blocks(source, **listed, test_mode=True).sampler.images) == (0, 3)
    assert tuple(blocks(source, fold=['eel'], num_ways=4).sampler.images) == (0, 1, 2, 3)


def test_novel_objects_are_background_or_their_images_dropped(source):
    kept = blocks(source, fold=['bee'], num_episodes=100)
    dropped = blocks(source, fold=['bee'], num_episodes=100, drop_novel_images=True)
    shows_bee = {int(j) for j, class_id, _ in source.pairs if class_id == 1}
    used = [
        {j for e in map(data.sampler.episode, range(100)) for j in (*e.query, *e.support[0])}
        for data in (kept, dropped)
    ]
    assert used[0] & shows_bee and not used[1] & shows_bee
    assert not set(dropped.sampler.images[0]) & shows_bee
    in_test = blocks(source, fold=['bee'], test_mode=True, drop_novel_images=True)
    assert set(in_test.sampler.images[1]) == shows_bee


def test_allowed_overlap(source):
    data = blocks(source, fold=0, base_classes=['ant', 'bee'], allow_novel_in_training=True)
    assert tuple(data.sampler.images) == (0, 1)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(fold=0, base_classes=['ant', 'bee']), 'novel classes of the fold: ant.*allow_novel'),
        (dict(fold_style='interlaced'), "fold_style='interlaced': .* contiguous, interleaved"),
        (dict(seed=2**32), 'seed must be an integer from 0 to .* got 4294967296'),
        (dict(fold=2), r'fold=2: the folds are 0 to 1'),
        (dict(fold=-1), r'fold=-1: the folds are 0 to 1'),
        (dict(fold=['cow']), "unknown class: 'cow'"),
        (dict(fold=['cta']), "'cta'.*did you mean 'cat'"),
        (dict(base_classes=['dogg']), "'dogg'.*did you mean 'dog'"),
        (dict(fold=[]), 'fold is empty'),
        (dict(fold='none.txt'), "fold='none.txt' is no file"),
        (dict(protocol='pannet'), "did you mean 'panet'"),
        (dict(num_shots=9), r'9 shots and 1 queries need 10 images .*ant \(7\)'),
        (dict(fold=0, num_ways=5), '5 ways .* only 4 can be drawn'),
        (dict(num_episodes=0), 'num_episodes must be an integer of at least 1, got 0'),
        (dict(drop_novel_images=True), 'drop_novel_images needs novel classes: set fold'),
        (dict(pipeline=None), 'no transforms for the support images'),
        (
            dict(pipeline=[LOAD, RESIZE]),
            'support pipeline needs .*LoadEpisodeMask.* has it 0 times',
        ),
        (dict(query_pipeline=[LOAD, MASK, MASK]), 'the query pipeline .* it has it 2 times'),
        (
            dict(support_pipeline=[LOAD, MASK, SEEDS, RESIZE]),
            'PlaceSuperpixelSeeds must be the last transform of the support pipeline',
        ),
        (dict(pipeline=[LOAD, MASK, SEEDS]), 'for support_pipeline, got a query image'),
    ],
)
def test_refusals(source, arguments, message):
    arguments = dict(pipeline=[LOAD, MASK]) | arguments
    with pytest.raises(ValueError, match=message):
        FewShotDataset(source, **arguments)


def test_novel_images_dropped_until_too_few_are_left(source):
    with pytest.raises(ValueError, match=r'too few have: ant \(3\)'):
        blocks(
            source, fold=['bee', 'eel'], base_classes=['ant'], num_shots=4, drop_novel_images=True
        )


def test_numbers_of_episodes(source):
    training, test = blocks(source), blocks(source, test_mode=True)
    assert len(training) == 1_000_000 and len(test) == 5000
    assert test.metainfo == dict(
        classes=NAMES,
        base_classes=NAMES,
        novel_classes=(),
        protocol='panet',
        eval_at='network',
        num_ways=1,
        num_shots=1,
        num_queries=1,
        num_episodes=1000,
        num_runs=5,
        seed=1234,
    )
    on_coco = BlockSource(source.folder, benchmark='coco')
    protocol = dict(name='pfenet', min_area=0, eval_at='network')
    assert len(blocks(on_coco, protocol=protocol, test_mode=True)) == 20000


def test_training_walks_the_list_in_new_orders(source):
    protocol = dict(name='pfenet', min_area=0, eval_at='network')
    data = blocks(source, protocol=protocol)
    queries = [data.sampler.episode(i).query[0] for i in range(50)]
    assert sorted(queries[:25]) == sorted(queries[25:]) == list(range(25))
    assert queries[:25] != queries[25:]
    test = blocks(source, protocol=protocol, test_mode=True)
    assert [test.sampler.episode(i).query[0] for i in range(50)] == [*range(25)] * 2


def test_report(source):
    text = blocks(source, fold=1, test_mode=True, num_episodes=20).report()
    assert text.splitlines() == [
        'BlockSource: 25 images; test on 2 of 5 classes. Images of a class:',
        'bee      7   cat      7',
        '1-way 1-shot episodes with 1 query: 5 runs of 20; 84 different ones are possible',
        'protocol panet, seed 1234, labels at network resolution',
    ]


@pytest.mark.parametrize('prefix', ['', 'mmfewshot_seg.'])
def test_builds_under_the_scope_of_the_host(source, prefix):
    init_default_scope('mmseg')
    pipeline = [
        LOAD,
        dict(type=f'{prefix}LoadEpisodeMask'),
        dict(type='Resize', scale=(24, 16)),
        dict(type='RandomFlip', prob=0.5),
    ]
    config = ConfigDict(type=f'{prefix}FewShotDataset', source=source, pipeline=pipeline)
    data = DATASETS.build(config)
    assert data[0]['inputs']['query'].shape == (1, 3, 16, 24)
