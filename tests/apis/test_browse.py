"""Every kind of data set is drawn as the data loader gives it; mistakes are told in a line."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.class_folder import draw_class_folder
from helpers.coco_folder import draw_coco_folder
from helpers.tool_calls import call_tool

from mmfewshot_seg.apis import UsageError
from mmfewshot_seg.apis.browse import browse

ROOT = Path(__file__).parents[2]
EPISODES = """
_base_ = '{root}/configs/panet/panet_r18-d8_1xb8-2k_class-folder.py'
source = dict(data_root='{data}', index_dir=None)
train_dataloader = dict(
    num_workers=0, persistent_workers=False,
    dataset=dict(source=source, base_classes=['disc', 'ring'], fold=['square']))
test_dataloader = dict(
    num_workers=0, dataset=dict(source=source, fold=['square'], num_episodes=6, num_runs=1))
"""
SEMANTIC = """
default_scope = 'mmseg'
dataset = dict(
    type='BaseSegDataset', data_root='{data}',
    data_prefix=dict(img_path='img', seg_map_path='ann'),
    metainfo=dict(classes=('ground', 'block'), palette=[[200, 0, 0], [0, 0, 200]]),
    pipeline=[
        dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'),
        dict(type='RandomFlip', prob=0.5),
        dict(type='mmfewshot_seg.GenerateShapeEdge'), dict(type='PackSegInputs')])
train_dataloader = dict(
    batch_size=2, num_workers=0, dataset=dataset,
    sampler=dict(type='InfiniteSampler', shuffle=True))
"""


def _config(path: Path, text: str, data: Path) -> str:
    path.write_text(text.format(root=ROOT, data=data))
    return str(path)


@pytest.fixture
def episodes(tmp_path) -> str:
    draw_class_folder(tmp_path / 'classes')
    return _config(tmp_path / 'episodes.py', EPISODES, tmp_path / 'classes')


@pytest.fixture
def semantic(tmp_path) -> str:
    for name in 'abcde':
        labels = np.zeros((40, 60), np.uint8)
        labels[10:30, 5:25] = 1
        for folder, suffix, pixels in (('img', 'jpg', labels * 200), ('ann', 'png', labels)):
            path = tmp_path / 'seg' / folder / f'{name}.{suffix}'
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), pixels)
    return _config(tmp_path / 'semantic.py', SEMANTIC, tmp_path / 'seg')


def test_episodes_of_training_and_test(episodes, tmp_path) -> None:
    training = browse(episodes, tmp_path / 'out', num=3)
    assert [path.name[:13] for path in training] == [f'train_0_0000{i}' for i in range(3)]
    assert not any('square' in path.name for path in training)
    test = browse(episodes, tmp_path / 'out', num=3, split='test')
    assert [path.name for path in test] == [f'test_0_0000{i}_square.png' for i in (0, 2, 4)]
    assert all(cv2.imread(str(path)).shape == (254, 3 * 232, 3) for path in training + test)


def test_options_change_what_is_drawn(episodes, tmp_path) -> None:
    shots = ['train_dataloader.dataset.num_shots=2']
    (path,) = browse(episodes, tmp_path / 'out', num=1, cfg_options=shots)
    assert cv2.imread(str(path)).shape[0] == 2 * 254


def test_classes_and_edges_of_the_items_that_training_sees_first(semantic, tmp_path) -> None:
    first = browse(semantic, tmp_path / 'a', num=3)
    assert [path.read_bytes() for path in browse(semantic, tmp_path / 'b', num=3)] == [
        path.read_bytes() for path in first
    ]
    other = browse(semantic, tmp_path / 'c', num=3, cfg_options=['randomness.seed=3'])
    assert [path.name for path in other] != [path.name for path in first]
    # image, classes, edges: 60 x 40 pixels enlarged to 480 x 320
    assert cv2.imread(str(first[0])).shape == (350, 3 * 488, 3)


def test_instances_of_training_and_test(tmp_path, monkeypatch) -> None:
    pytest.importorskip('mmcv._ext')
    draw_coco_folder(tmp_path / 'mine')
    monkeypatch.setenv('OWN_COCO', str(tmp_path / 'mine'))
    config = str(ROOT / 'configs/refinemask/refinemask_lite0_fpn_1xb2-1500_own-coco.py')
    training = browse(config, tmp_path / 'out', num=2)
    test = browse(config, tmp_path / 'out', num=9, split='test')
    assert len(training) == 2 and len(test) == 4  # every image once, the empty one too
    masks = cv2.imread(str(test[0]))[:480, 2 * 488 :]
    # the square of 40 x 40 in 96 x 96 pixels, from its annotation in the original image
    middle = masks[int(31 / 96 * 480), int(14 / 96 * 480)]
    assert middle[2] > middle[0] + 50  # red, the first colour


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(num=0), 'must be at least 1, not 0'),
        (dict(split='val', cfg_options=['val_dataloader=None']), 'defines no val_dataloader'),
        (dict(cfg_options=['train_dataloader.dataset.fold=[squares]']), 'square'),
        (dict(cfg_options=['train_dataloader.dataset.source.data_root=gone']), 'gone'),
        (dict(config='none.py'), 'none.py is neither a config file'),
    ],
)
def test_mistakes(episodes, tmp_path, options, message) -> None:
    with pytest.raises((UsageError, ValueError, OSError), match=message):
        browse(**{'config': episodes, 'out_dir': tmp_path / 'out', **options})
    assert not (tmp_path / 'out').exists()


def test_unpacked_items_are_refused(semantic, tmp_path) -> None:
    options = ['train_dataloader.dataset.pipeline.4.type=LoadAnnotations']
    with pytest.raises(UsageError, match='must end with PackDetInputs or PackSegInputs'):
        browse(semantic, tmp_path / 'out', num=1, cfg_options=options)


def test_the_tool(semantic, tmp_path, capfd) -> None:
    assert call_tool('browse_dataset', semantic, '--out-dir', tmp_path / 'out', '--num', 2) == 0
    assert capfd.readouterr().out.endswith(f'2 pictures are in {tmp_path}/out\n')
    assert call_tool('browse_dataset', 'no.py', '--out-dir', 'out') == 2
    assert (
        capfd.readouterr().err
        == 'browse_dataset: no.py is neither a config file nor the name of a config\n'
    )
