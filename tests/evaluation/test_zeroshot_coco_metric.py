"""The metric of the zero-shot tasks: hand-made cases, the traps of COCO's order, user errors."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.registry import METRICS as ROOT_METRICS
from mmengine.structures import InstanceData
from pycocotools import mask as mask_api

from mmfewshot_seg.evaluation import ZeroShotCocoMetric
from mmfewshot_seg.evaluation.zeroshot_coco_metric import harmonic_mean
from mmfewshot_seg.registry import METRICS

SIDE = 100
META = dict(
    classes=('zebra', 'cat', 'dog', 'boat'),
    seen_classes=('zebra', 'cat'),
    unseen_classes=('dog', 'boat'),
    mode='generalized',
)
IDS = dict(zebra=30, cat=2, dog=14, boat=9)
# image: class and left edge of every object, 20 pixels a side, at the top
OBJECTS = {
    1: [('zebra', 0), ('zebra', 30), ('cat', 60)],
    2: [('dog', 0), ('dog', 30)],
    3: [('dog', 0)],
}


def _box(left: float) -> list[float]:
    return [left, 0, left + 20, 20]


@pytest.fixture
def ann_file(tmp_path) -> str:
    """Categories in neither the order of the classes nor that of their ids."""
    annotations = [
        dict(image_id=i, category_id=IDS[name], bbox=[x, 0, 20, 20], area=400, iscrowd=0)
        | dict(segmentation=[[x, 0, x + 20, 0, x + 20, 20, x, 20]])
        for i, objects in OBJECTS.items()
        for name, x in objects
    ]
    content = dict(
        images=[dict(id=i, height=SIDE, width=SIDE, file_name=f'{i}.jpg') for i in OBJECTS],
        categories=[dict(id=IDS[n], name=n) for n in ('dog', 'zebra', 'boat', 'cat')],
        annotations=[dict(a, id=n) for n, a in enumerate(annotations, start=1)],
    )
    (tmp_path / 'ann.json').write_text(json.dumps(content))
    return str(tmp_path / 'ann.json')


def _samples(found: dict, meta: dict = META, with_masks: bool = True, **info) -> list:
    """Predictions: class, left edge and score of the detections of every image."""
    from mmdet.structures import DetDataSample

    samples = []
    for image_id in OBJECTS:
        detections = found.get(image_id, [])
        masks = torch.zeros(len(detections), SIDE, SIDE, dtype=torch.bool)
        for mask, (_, left, _) in zip(masks, detections, strict=True):
            mask[:20, left : left + 20] = True
        instances = InstanceData(
            bboxes=torch.tensor([_box(x) for _, x, _ in detections]).reshape(-1, 4),
            scores=torch.tensor([score for *_, score in detections]),
            labels=torch.tensor(
                [meta['classes'].index(n) for n, *_ in detections], dtype=torch.long
            ),
        )
        if with_masks:
            instances.masks = masks
        meta_info = dict(img_id=image_id, ori_shape=(SIDE, SIDE), **info)
        samples.append(DetDataSample(metainfo=meta_info, pred_instances=instances))
    return samples


def _evaluate(samples: list, meta: dict = META, **options) -> dict:
    evaluator = Evaluator([dict(type='mmfewshot_seg.ZeroShotCocoMetric', **options)])
    evaluator.dataset_meta = meta
    for sample in samples:
        evaluator.process([sample])
    return evaluator.evaluate(len(samples))


PERFECT = {i: [(name, x, 0.9) for name, x in objects] for i, objects in OBJECTS.items()}


def test_registered_in_both_registries() -> None:
    assert METRICS.get('ZeroShotCocoMetric') is ZeroShotCocoMetric
    assert ROOT_METRICS.get('mmfewshot_seg.ZeroShotCocoMetric') is ZeroShotCocoMetric
    assert ROOT_METRICS.get('mmdet.ZeroShotCocoMetric') is ZeroShotCocoMetric


def test_perfect_predictions_reach_one(ann_file) -> None:
    """Boats occur nowhere and do not count."""
    figures = _evaluate(_samples(PERFECT), ann_file=ann_file)
    assert set(figures.values()) == {1.0}
    names = [f'{n}_{kind}' for n in ('seen', 'unseen', 'hm') for kind in ('mAP', 'recall')]
    names += ['mAP_40', 'mAP', 'mAP_60', 'recall_40', 'recall_50', 'recall_60']
    assert set(figures) == {f'zsi/{kind}_{name}' for kind in ('bbox', 'segm') for name in names}


@pytest.mark.parametrize('kind', ['bbox', 'segm'])
def test_figures_by_hand(ann_file, kind) -> None:
    """One of two zebras, the cat, and of three dogs one exactly and one 5 pixels off.

    Moved by 5 of 20 pixels the IoU is 15 / 25 = 0.6, by 7 it is 13 / 27 = 0.48. Precision of the
    zebra is 1 up to recall 0.5: 51 of 101 points. A zebra's double is a false positive behind it.
    """
    found = {
        1: [('zebra', 0, 0.9), ('zebra', 0, 0.8), ('cat', 60, 0.7)],
        2: [('dog', 30, 0.3), ('dog', 70, 0.2)],
        3: [('dog', 7, 0.1), ('boat', 50, 0.9)],
    }
    figures = _evaluate(_samples(found), ann_file=ann_file, metric=kind)

    def value(name: str) -> float:
        return figures[f'zsi/{kind}_{name}']

    zebra, dog = 51 / 101, 34 / 101
    assert value('seen_mAP') == pytest.approx((zebra + 1) / 2)
    assert value('seen_recall') == 0.75
    assert value('unseen_mAP') == pytest.approx(dog)
    assert value('unseen_recall') == pytest.approx(1 / 3)
    assert value('hm_recall') == pytest.approx(2 * 0.75 / 3 / (0.75 + 1 / 3))
    assert value('mAP') == pytest.approx((zebra + 1 + dog) / 3)
    # at 0.4 the third detection of a dog is right as well: precision 2/3 from 1/3 to 2/3
    dog = (34 + 33 * 2 / 3) / 101
    assert value('mAP_40') == pytest.approx((zebra + 1 + dog) / 3)
    assert value('recall_40') == pytest.approx((0.5 + 1 + 2 / 3) / 3)
    assert value('mAP_60') == value('mAP')


def test_order_of_ids_and_file_does_not_matter(ann_file) -> None:
    """Dogs only: COCO sorts the ids, in which dog (14) is third, in the file first."""
    figures = _evaluate(
        _samples({2: PERFECT[2], 3: PERFECT[3]}), ann_file=ann_file, metric='bbox', classwise=True
    )
    assert figures['zsi/bbox_AP/dog'] == figures['zsi/bbox_unseen_mAP'] == 1
    assert figures['zsi/bbox_AP/zebra'] == figures['zsi/bbox_recall/cat'] == 0
    assert math.isnan(figures['zsi/bbox_AP/boat'])
    assert figures['zsi/bbox_hm_mAP'] == 0


def test_one_group_has_no_harmonic_mean(ann_file) -> None:
    meta = dict(META, classes=META['unseen_classes'], mode='unseen')
    found = {i: [d for d in PERFECT[i] if d[0] == 'dog'] for i in OBJECTS}
    figures = _evaluate(_samples(found, meta), meta, ann_file=ann_file, metric='bbox')
    assert set(figures.values()) == {1.0} and len(figures) == 6


def test_without_detections_all_is_zero(ann_file) -> None:
    figures = _evaluate(_samples({}), ann_file=ann_file)
    assert set(figures.values()) == {0.0} and len(figures) == 24


def test_without_objects_it_is_not_a_number(ann_file) -> None:
    meta = dict(META, classes=('boat',), mode='unseen')
    figures = _evaluate(_samples({1: [('boat', 0, 0.5)]}, meta), meta, ann_file=ann_file)
    assert all(math.isnan(value) for value in figures.values())


def test_a_hundred_detections_per_class_and_image(ann_file) -> None:
    found = {1: [('zebra', 50, 0.9)] * 100 + [('zebra', 0, 0.1), ('cat', 60, 0.05)]}
    figures = _evaluate(_samples(found), ann_file=ann_file, metric='bbox', classwise=True)
    assert figures['zsi/bbox_recall/zebra'] == 0 and figures['zsi/bbox_recall/cat'] == 1


def test_annotations_may_come_from_the_data_set(ann_file) -> None:
    found = {1: [('zebra', 0, 0.9), ('cat', 60, 0.7)], 2: [('dog', 30, 0.3)]}
    samples = _samples(found)
    for sample in samples:
        instances = []
        for name, x in OBJECTS[sample.img_id]:
            mask = np.zeros((SIDE, SIDE), np.uint8)
            mask[:20, x : x + 20] = 1
            instances.append(
                dict(
                    bbox=_box(x),
                    bbox_label=META['classes'].index(name),
                    ignore_flag=0,
                    mask=mask_api.encode(np.asfortranarray(mask)),
                )
            )
        sample.set_metainfo(dict(instances=instances))
    assert _evaluate(samples) == _evaluate(_samples(found), ann_file=ann_file)


def test_table_of_classes(ann_file, caplog) -> None:
    from mmengine.logging import MMLogger

    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    try:
        _evaluate(_samples({1: PERFECT[1]}), ann_file=ann_file, metric='segm', classwise=True)
    finally:
        logger.removeHandler(caplog.handler)
    for text in (
        '| class | group  | AP 0.4 | AP 0.5 |',
        '| zebra | seen   | 100.00 | 100.00 |',
        '| boat  | unseen | nan ',
        '| mean  | unseen | 0.00 ',
        'harmonic mean of seen and unseen at IoU 0.5: AP 0.00, Recall@100 0.00',
    ):
        assert text in caplog.text


def test_files_of_results(ann_file, tmp_path) -> None:
    prefix = str(tmp_path / 'out')
    options = dict(ann_file=ann_file, outfile_prefix=prefix)
    assert _evaluate(_samples(PERFECT), format_only=True, **options) == {}
    written = json.loads(Path(f'{prefix}.segm.json').read_text())
    assert [d['category_id'] for d in written] == [30, 30, 2, 14, 14, 14]
    assert _evaluate(_samples(PERFECT), **options)['zsi/segm_mAP'] == 1


def test_evaluated_again_with_the_same_metric(ann_file) -> None:
    metric = ZeroShotCocoMetric(ann_file)
    metric.dataset_meta = META
    for found, expected in ((PERFECT, 1.0), ({}, 0.0)):
        metric.process({}, [sample.to_dict() for sample in _samples(found)])
        assert metric.evaluate(len(OBJECTS))['zsi/segm_mAP'] == expected


def test_model_in_another_mode_is_refused(ann_file) -> None:
    """Its labels would pass for those of other classes, and its figures for bad ones."""
    meta = dict(META, classes=META['unseen_classes'], mode='unseen')
    message = "the data set 2; label 0 is 'zebra' here and 'dog' there.*mode.*'unseen'"
    with pytest.raises(ValueError, match=message):
        _evaluate(_samples({}, zeroshot_classes=('zebra', 'cat')), meta, ann_file=ann_file)
    with pytest.raises(ValueError, match='in the same order'):
        _evaluate(_samples({}, zeroshot_classes=('boat', 'dog')), meta, ann_file=ann_file)
    with pytest.raises(ValueError, match='predicts labels 3 to 3, but the data set has 2 classes'):
        _evaluate(_samples({1: [('boat', 0, 0.5)]}), meta, ann_file=ann_file)
    _evaluate(_samples({}, zeroshot_classes=['Dog', ' boat']), meta, ann_file=ann_file)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(metric='proposal'), "metric is 'proposal', but must be bbox, segm or both"),
        (dict(iou_thrs=[0.5]), 'iou_thrs cannot be set: the protocol fixes .*format_only'),
    ],
)
def test_options_that_the_protocol_does_not_leave_open(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        ZeroShotCocoMetric(**options)


def test_model_without_masks_and_unknown_classes_are_told(ann_file) -> None:
    with pytest.raises(ValueError, match="use a model with a mask head, or metric='bbox'"):
        _evaluate(_samples(PERFECT, with_masks=False), ann_file=ann_file)
    meta = dict(META, classes=('zebra', 'cat', 'dog', 'goat'))
    with pytest.raises(ValueError, match=r"no category .*'goat' \(did you mean 'boat'\?\)"):
        _evaluate(_samples({}, meta), meta, ann_file=ann_file)


def test_harmonic_mean() -> None:
    assert harmonic_mean(0, 0) == harmonic_mean(0.5, 0) == 0
    assert harmonic_mean(0.4304, 0.0365) == pytest.approx(0.0673, abs=1e-4)  # of the paper
    assert math.isnan(harmonic_mean(0.5, math.nan))
