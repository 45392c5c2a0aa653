"""Yardsticks of zero-shot figures: by hand, and against a model that is given other vectors."""

import json
import math

import numpy as np
import pytest
import torch
from helpers.zeroshot_runs import TASKS, write_own_run
from mmengine.config import Config, ConfigDict
from mmengine.runner import Runner
from mmengine.structures import InstanceData

from mmfewshot_seg.apis import UsageError
from mmfewshot_seg.apis import test as run_test

module = pytest.importorskip(
    'mmfewshot_seg.studies.zeroshot_baselines', reason='needs compiled ops'
)

TEST_CFG = ConfigDict(nms=dict(type='nms', iou_threshold=0.5), max_per_img=3)


def instances(*rows: tuple) -> InstanceData:
    """Of rows (x, score, label): boxes of 10 x 10 at x, masks by number."""
    x, scores, labels = zip(*rows, strict=True)
    corner = torch.tensor(x, dtype=torch.float32)[:, None]
    return InstanceData(
        bboxes=torch.cat([corner, 0 * corner, corner + 10, 0 * corner + 10], 1),
        scores=torch.tensor(scores),
        labels=torch.tensor(labels),
        masks=[dict(number=number) for number in range(len(rows))],
    )


def found(instances: InstanceData) -> list[tuple]:
    """Sorted (number, label) of detections."""
    numbers = [mask['number'] for mask in instances.masks]
    return sorted(zip(numbers, instances.labels.tolist(), strict=True))


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Data, config and weights; the objects are some of what the random model detects."""
    folder = tmp_path_factory.mktemp('own')
    write_own_run(folder)
    for mode, task in TASKS.items():
        cfg = Config.fromfile(folder / f'{mode}.py')
        cfg.update(work_dir=str(folder / 'work'), load_from=str(folder / 'weights.pth'))
        runner = Runner.from_cfg(cfg)
        runner.load_or_resume()
        dataset = runner.test_loop.dataloader.dataset
        path = folder / f'annotations/instances_val_{task}.json'
        content = json.loads(path.read_text())
        content['annotations'] = []
        loader = runner.test_loop.dataloader
        for image in module._detections(runner.model, loader, runner.model.mode):
            for label, (left, top, right, bottom) in list(
                zip(image.instances.labels, image.instances.bboxes.tolist(), strict=True)
            )[::2]:
                size = [right - left, bottom - top]
                corners = [left, top, right, top, right, bottom, left, bottom]
                content['annotations'].append(
                    dict(
                        id=len(content['annotations']) + 1,
                        image_id=image.meta['img_id'],
                        category_id=dataset.cat_ids[label],
                        iscrowd=0,
                        bbox=[left, top, *size],
                        area=math.prod(size),
                        segmentation=[corners],
                    )
                )
        path.write_text(json.dumps(content))
    return folder


def test_derangements_are_uniform() -> None:
    rng = np.random.RandomState(0)
    drawn = [tuple(module.derangement(rng, 4)) for _ in range(900)]
    assert all(place != value for order in drawn for place, value in enumerate(order))
    counts = [drawn.count(order) for order in set(drawn)]
    assert len(counts) == 9 and min(counts) > 60
    assert module.derangement(rng, 2).tolist() == [1, 0]


def test_nearest_seen_is_by_angle_and_ties_are_all_named() -> None:
    seen = torch.tensor([[10.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 2.0]])
    unseen = torch.tensor([[1.0, 1.1, 0.0], [1.0, 0.0, 1.0]])
    near = module.nearest_seen(seen, unseen)
    assert near.T.tolist() == [[False, True, False], [True, False, True]]


def test_one_of_the_nearest_is_drawn() -> None:
    near = torch.tensor([[True, True], [False, True], [False, True]])
    rng = np.random.RandomState(0)
    drawn = [module.one_each(rng, near) for _ in range(300)]
    assert all((one.sum(0) == 1).all() and (near | ~one).all() for one in drawn)
    assert min(torch.stack(drawn).sum(0)[:, 1]) > 80


def test_names_of_the_nearest_seen_class_by_hand() -> None:
    """Of 3 seen classes: 0 is nearest to both unseen ones, 1 to none, 2 to the second."""
    near = torch.tensor([[True, True], [False, False], [False, True]])
    detections = instances((0, 0.9, 0), (1, 0.8, 2), (40, 0.7, 1), (80, 0.6, 2))
    # class 1 has number 0, but not the overlapping number 1; number 2 is of no unseen class
    renamed = module._rename(near, 0, TEST_CFG)(detections)
    assert found(renamed) == [(0, 0), (0, 1), (3, 1)]
    cfg = ConfigDict(TEST_CFG, max_per_img=2)
    assert found(module._rename(near, 0, cfg)(detections)) == [(0, 0), (0, 1)]
    # in the generalised task beside the seen classes, which have a budget of their own
    cfg = ConfigDict(TEST_CFG)
    both = module._rename(near, 3, cfg)(detections)
    assert found(both) == [(0, 0), (0, 3), (0, 4), (1, 2), (2, 1), (3, 4)]
    cfg = ConfigDict(cfg, joint=True, seen_factor=0.1)
    joint = module._rename(near, 3, cfg)(detections)
    assert found(joint) == [(0, 3), (0, 4), (3, 4)]


def test_random_labels_leave_seen_classes_alone() -> None:
    cfg = ConfigDict(TEST_CFG, max_per_img=100)
    detections = instances(*[(20 * i, 0.5, i % 5) for i in range(100)])
    drawn = module._redraw(np.random.RandomState(0), 2, 3, cfg)(detections)
    before, after = detections.labels, torch.tensor([label for _, label in found(drawn)])
    assert torch.equal(before[before < 3], after[before < 3])
    assert set(after[before >= 3].tolist()) == {3, 4}
    # two boxes at one place that get the same name are one detection
    pairs = instances((0, 0.9, 3), (0, 0.8, 4))
    rng = np.random.RandomState(0)
    counts = {len(module._redraw(rng, 2, 3, cfg)(pairs)) for _ in range(20)}
    assert counts == {1, 2}


@pytest.mark.parametrize('mode', ['unseen', 'generalized'])
def test_of_a_whole_config(folder, mode, tmp_path, monkeypatch) -> None:
    """The checkpoint's figures are those of its test, those of a shuffle of a model that has it."""
    monkeypatch.chdir(tmp_path)
    arguments = (str(folder / f'{mode}.py'), str(folder / 'weights.pth'))
    results = module.zeroshot_baselines(*arguments, work_dir=str(tmp_path / 'out'), seeds=2)
    assert list(results) == [
        'this checkpoint',
        'shuffled vectors',
        'random labels',
        'nearest seen class',
    ]
    expected = run_test(*arguments, work_dir=str(tmp_path / 'test'))
    assert results['this checkpoint']['mean'] == pytest.approx(expected)
    assert not any(results['this checkpoint']['std'].values())
    lines = (folder / 'word_vectors.txt').read_text().splitlines()
    words = [line.rsplit(' ', 6) for line in lines]
    vectors = {name: numbers for name, *numbers in words}
    vectors['dog'], vectors['boat'] = vectors['boat'], vectors['dog']  # the only derangement
    text = '\n'.join(' '.join([name, *numbers]) for name, numbers in vectors.items())
    (tmp_path / 'exchanged.txt').write_text(text)
    exchanged = [f'model.classes.word_vectors={tmp_path}/exchanged.txt']
    expected = run_test(*arguments, work_dir=str(tmp_path / 'test'), cfg_options=exchanged)
    assert results['shuffled vectors']['mean'] == pytest.approx(expected)
    key = 'zsi/bbox_mAP' if mode == 'unseen' else 'zsi/bbox_unseen_mAP'
    assert expected[key] < results['this checkpoint']['mean'][key]
    summary = json.loads((tmp_path / 'out/summary.json').read_text())
    assert summary['results'] == results and summary['mode'] == mode and summary['images'] == 2
    assert all(0 <= value <= 1 for row in results.values() for value in row['mean'].values())
    seen = {'zsi/segm_seen_mAP', 'zsi/bbox_seen_mAP', 'zsi/bbox_seen_recall'} & set(expected)
    for key in seen if mode == 'generalized' else ():
        values = {row['mean'][key] for row in results.values()}
        assert max(values) == pytest.approx(min(values)) and not math.isnan(max(values))


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['model.test_cfg.rcnn.mode=seen'], 'tests seen classes only'),
        (['model.classes.split.unseen=[dog]'], 'one unseen class'),
        (['model.classes.word_vectors=no.txt'], 'no.txt'),
    ],
)
def test_mistakes_are_told(folder, tmp_path, options, message) -> None:
    arguments = (str(folder / 'unseen.py'), str(folder / 'weights.pth'), str(tmp_path))
    with pytest.raises((ValueError, OSError), match=message):
        module.zeroshot_baselines(*arguments, cfg_options=options)


def test_mistakes_of_arguments_are_told(folder) -> None:
    with pytest.raises(UsageError, match='no.pth does not exist'):
        module.zeroshot_baselines(str(folder / 'unseen.py'), 'no.pth')
    with pytest.raises(UsageError, match='--seeds must be at least 1, not 0'):
        module.zeroshot_baselines(str(folder / 'unseen.py'), 'no.pth', seeds=0)
