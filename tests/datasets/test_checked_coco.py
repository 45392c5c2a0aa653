"""COCO-format data of one's own: faults are refused at the start, labels go by name."""

import json

import pytest
from helpers.coco_folder import CLASSES, draw_coco_folder
from mmengine.registry import DATASETS as ROOT_DATASETS

from mmfewshot_seg.datasets import CheckedCocoDataset, checked_coco

PIPELINE = (
    dict(type='LoadImageFromFile'),
    dict(type='mmdet.LoadAnnotations', with_bbox=True, with_mask=True),
)


@pytest.fixture
def folder(tmp_path):
    draw_coco_folder(tmp_path)
    return tmp_path


def _open(folder, change=lambda content: None, **options) -> CheckedCocoDataset:
    path = folder / 'annotations' / 'instances_train.json'
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    defaults = dict(metainfo=dict(classes=CLASSES), pipeline=list(PIPELINE))
    return CheckedCocoDataset(
        ann_file=str(path), data_prefix=dict(img=str(folder / 'train')), **{**defaults, **options}
    )


def _labels(dataset) -> list[list[int]]:
    infos = map(dataset.get_data_info, range(len(dataset)))
    return [[instance['bbox_label'] for instance in info['instances']] for info in infos]


def test_registered() -> None:
    assert ROOT_DATASETS.get('mmfewshot_seg.CheckedCocoDataset') is CheckedCocoDataset


def test_labels_go_by_name(folder) -> None:
    assert _labels(_open(folder)) == [[0, 1], [0, 1], [0, 1], []]
    reverse = dict(metainfo=dict(classes=('Triangle', 'SQUARE')))
    assert _labels(_open(folder, **reverse)) == [[1, 0], [1, 0], [1, 0], []]
    moved = _open(folder, lambda content: content['categories'].reverse())
    assert _labels(moved) == [[0, 1], [0, 1], [0, 1], []]
    assert moved[0]['gt_masks'].masks.shape[0] == 2


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            lambda c: c['images'][3].update(width=9),
            'image 3 has height 96 and width 9, but .*3.png',
        ),
        (lambda c: c['annotations'][0].update(segmentation=[]), 'annotation 1 has no polygon of'),
        (lambda c: c['annotations'][0].pop('area'), r'annotations\[0\], id 1: area must be'),
        (lambda c: c['images'][2].update(file_name='x.png'), 'image 2: .*x.png does not exist'),
        (lambda c: c['categories'][0].update(name='rhomb'), "no category of this name: 'square'"),
    ],
)
def test_faults_are_refused_with_file_and_entry(folder, change, message) -> None:
    with pytest.raises(ValueError, match=rf'instances_train\.json: .*{message}'):
        _open(folder, change)


def test_boxes_alone_do_where_no_masks_are_loaded(folder) -> None:
    boxes = [PIPELINE[0], dict(type='mmdet.LoadAnnotations', with_bbox=True)]
    dataset = _open(folder, lambda c: c['annotations'][0].pop('segmentation'), pipeline=boxes)
    assert len(dataset[0]['gt_bboxes']) == 2


def test_a_string_is_no_list_of_classes(folder) -> None:
    with pytest.raises(ValueError, match=r"classes='square' is a string, .* \('name',\)"):
        _open(folder, metainfo=dict(classes=('square')))


def test_what_is_left_out_is_told(folder, monkeypatch) -> None:
    told = []
    monkeypatch.setattr(checked_coco, 'print_log', lambda text, *args: told.append(text))
    polygons = [PIPELINE[0], dict(PIPELINE[1], poly2mask=False)]
    _open(folder, metainfo=dict(classes=('square',)), pipeline=polygons)
    assert '3 objects of other categories are left out: triangle' in told[0]
    assert '3 of 6 objects are run-length codes, which LoadAnnotations with' in told[1]
