"""The metric inside MMEngine: its figures, MMDetection's beside them, user errors."""

import json
import subprocess
import sys
from pathlib import Path

import mmdet
import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmengine.registry import METRICS as ROOT_METRICS
from mmengine.structures import InstanceData
from pycocotools import mask as mask_api
from pycocotools.coco import COCO

from mmfewshot_seg.evaluation import BoundaryCocoMetric
from mmfewshot_seg.evaluation.boundary_coco_metric import load_masks
from mmfewshot_seg.registry import METRICS

ROOT = Path(__file__).parents[2]
CLASSES = ('disk', 'box')
SIZE = 96
ALL = ['bbox', 'segm', 'boundary', 'boundary_f1']


def draw(class_id: int, y: int, x: int) -> np.ndarray:
    rows, columns = np.ogrid[:SIZE, :SIZE]
    if class_id == 0:
        return (rows - y) ** 2 + (columns - x) ** 2 <= 15**2
    return (abs(rows - y) <= 14) & (abs(columns - x) <= 18)


PLACES = [(0, 20, 20), (1, 70, 60), (0, 30, 70)]  # class, y, x
IMAGES = (7, 11, 12)


def annotation_file(path, images=IMAGES, frequency: str | None = None, **image_keys) -> str:
    """COCO's form, with category ids 3 and 5; in that of LVIS categories have a frequency."""
    annotations = []
    for image_id in images:
        for class_id, y, x in PLACES:
            rle = mask_api.encode(np.asfortranarray(draw(class_id, y, x), np.uint8))
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    image_id=image_id,
                    category_id=3 + 2 * class_id,
                    iscrowd=0,
                    bbox=mask_api.toBbox(rle).tolist(),
                    area=int(mask_api.area(rle)),
                    segmentation=dict(rle, counts=rle['counts'].decode()),
                )
            )
    content = dict(
        images=[dict(id=i, height=SIZE, width=SIZE, **image_keys) for i in images],
        categories=[
            dict(id=3 + 2 * i, name=name, **({'frequency': frequency} if frequency else {}))
            for i, name in enumerate(CLASSES)
        ],
        annotations=annotations,
    )
    path.write_text(json.dumps(content))
    return str(path)


def predictions(shift: int = 0, with_masks: bool = True, empty: bool = False) -> list[dict]:
    """Data samples of all images, objects shifted down by some pixels."""
    from mmdet.structures import DetDataSample

    samples = []
    for image_id in IMAGES:
        places = PLACES[:0] if empty else PLACES
        masks = np.zeros((len(places), SIZE, SIZE), bool)
        for mask, (class_id, y, x) in zip(masks, places, strict=True):
            mask[:] = draw(class_id, y + shift, x)
        instances = InstanceData(
            bboxes=torch.tensor([_box(m) for m in masks]).reshape(-1, 4),
            scores=torch.linspace(0.9, 0.5, len(masks)),
            labels=torch.tensor([c for c, *_ in places], dtype=torch.long),
        )
        if with_masks:
            instances.masks = torch.from_numpy(masks)
        meta = dict(img_id=image_id, ori_shape=(SIZE, SIZE))
        truth = [_instance(*place) for place in PLACES]
        sample = DetDataSample(metainfo=dict(meta, instances=truth), pred_instances=instances)
        samples.append(sample)
    return samples


def _box(mask: np.ndarray) -> list[float]:
    x, y, w, h = mask_api.toBbox(mask_api.encode(np.asfortranarray(mask, np.uint8)))
    return [x, y, x + w, y + h]


def _instance(class_id: int, y: int, x: int) -> dict:
    mask = draw(class_id, y, x)
    rle = mask_api.encode(np.asfortranarray(mask, np.uint8))
    return dict(bbox_label=class_id, bbox=_box(mask), ignore_flag=0, mask=rle)


def evaluate(samples: list, type_='mmfewshot_seg.BoundaryCocoMetric', meta=None, **options) -> dict:
    evaluator = Evaluator([dict(type=type_, **options)])
    evaluator.dataset_meta = meta or dict(classes=CLASSES)
    for sample in samples:
        evaluator.process([sample])
    return evaluator.evaluate(len(samples))


@pytest.fixture
def log_text(caplog):
    """Text of the log so far."""
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    yield lambda: caplog.text
    logger.removeHandler(caplog.handler)


@pytest.fixture
def ann_file(tmp_path) -> str:
    return annotation_file(tmp_path / 'instances.json')


def test_registered_in_both_registries() -> None:
    assert METRICS.get('BoundaryCocoMetric') is BoundaryCocoMetric
    assert ROOT_METRICS.get('mmfewshot_seg.BoundaryCocoMetric') is BoundaryCocoMetric
    assert ROOT_METRICS.get('mmdet.BoundaryCocoMetric') is BoundaryCocoMetric


@pytest.mark.parametrize('given', [True, False])
def test_perfect_predictions_reach_one(ann_file, given) -> None:
    figures = evaluate(predictions(), metric=ALL, ann_file=ann_file if given else None)
    for name in ('bbox_mAP', 'segm_mAP', 'boundary_mAP', 'boundary_mAP_75', 'boundary_f1_r1'):
        assert figures[f'coco/{name}'] == 1.0


def test_boundary_falls_faster_and_the_rest_is_mmdets(ann_file) -> None:
    samples = predictions(shift=1)
    figures = evaluate(samples, metric=ALL, ann_file=ann_file)
    host = evaluate(samples, 'mmdet.CocoMetric', metric=['bbox', 'segm'], ann_file=ann_file)
    assert {k: v for k, v in figures.items() if 'boundary' not in k} == host
    assert 0 < figures['coco/boundary_mAP'] < figures['coco/segm_mAP'] < 1


def test_f1_within_each_tolerance(ann_file) -> None:
    figures = evaluate(predictions(shift=2), metric='boundary_f1', ann_file=ann_file)
    f1 = [figures[f'coco/boundary_f1_r{r}'] for r in (1, 3, 5)]
    assert 0 < f1[0] < f1[1] == f1[2] == 1


def test_order_of_metrics_and_processes_do_not_matter(ann_file) -> None:
    samples, options = predictions(shift=3), dict(ann_file=ann_file, classwise=True)
    one = evaluate(samples, metric=ALL, num_processes=1, **options)
    assert evaluate(samples, metric=[*ALL[:2], *ALL[:1:-1]], num_processes=2, **options) == one


def test_areas_are_those_of_masks_and_detections_stay_as_they_were(ann_file) -> None:
    coco_gt = COCO(ann_file)
    disk = coco_gt.dataset['annotations'][0]
    detection = {k: disk[k] for k in ('image_id', 'category_id', 'bbox', 'segmentation')}
    given = dict(detection, score=0.9)
    for _ in range(2):
        assert load_masks(coco_gt, [given]).anns[1]['area'] == disk['area'] < 31 * 31
        assert given == dict(detection, score=0.9)


def test_boundary_alone(ann_file) -> None:
    figures = evaluate(predictions(), metric='boundary', ann_file=ann_file, metric_items=['mAP_50'])
    assert figures == {'coco/boundary_mAP_50': 1.0}


def test_table_of_classes(ann_file, log_text) -> None:
    samples = predictions()
    for sample in samples:  # disks are missed
        sample.pred_instances = sample.pred_instances[sample.pred_instances.labels == 1]
    figures = evaluate(samples, metric=['boundary'], ann_file=ann_file, classwise=True)
    assert figures['coco/disk_boundary_precision'] == 0
    assert figures['coco/box_boundary_precision'] == 1
    assert figures['coco/boundary_mAP'] == 0.5
    for text in ('| category | mAP ', '| box      | 1.0 ', 'boundary_mAP_copypaste: 0.500'):
        assert text in log_text()


def test_files_of_results(tmp_path, ann_file) -> None:
    options = dict(metric=ALL, ann_file=ann_file, outfile_prefix=str(tmp_path / 'out'))
    assert evaluate(predictions(), format_only=True, **options) == {}
    assert len(json.loads((tmp_path / 'out.segm.json').read_text())) == 9
    (tmp_path / 'out.segm.json').unlink()
    assert evaluate(predictions(), **options)['coco/boundary_mAP'] == 1
    assert (tmp_path / 'out.segm.json').exists()


def test_no_detections_at_all(ann_file) -> None:
    figures = evaluate(predictions(empty=True), metric=ALL, ann_file=ann_file)
    for name in ('bbox_mAP', 'segm_mAP', 'boundary_mAP', 'boundary_mAP_50'):
        assert figures[f'coco/{name}'] == 0
    assert np.isnan(figures['coco/boundary_f1_r1'])


def test_no_objects_at_all(tmp_path, log_text) -> None:
    path = annotation_file(tmp_path / 'none.json')
    content = json.loads(Path(path).read_text())
    Path(path).write_text(json.dumps({**content, 'annotations': []}))
    figures = evaluate(predictions(), metric=ALL, ann_file=path)
    assert figures['coco/segm_mAP'] == figures['coco/boundary_mAP'] == -1
    assert 'none.json has no object of the classes of the data set' in log_text()


@pytest.fixture
def reversed_file(ann_file, tmp_path) -> str:
    """The categories in another order than the labels'."""
    content = json.loads(Path(ann_file).read_text())
    content['categories'].reverse()
    path = tmp_path / 'reversed.json'
    path.write_text(json.dumps(content))
    return str(path)


def test_labels_by_name_whatever_the_order_of_the_file(reversed_file) -> None:
    samples = predictions()
    for sample in samples:  # boxes are missed
        sample.pred_instances = sample.pred_instances[sample.pred_instances.labels == 0]
    meta = dict(classes=('Disk', 'box'), labels_by_name=True)
    options = dict(ann_file=reversed_file, metric=ALL, classwise=True)
    figures = evaluate(samples, meta=meta, **options)
    for name in ('disk_precision', 'disk_boundary_precision'):
        assert figures[f'coco/{name}'] == 1
        assert figures[f'coco/{name.replace("disk", "box")}'] == 0
    turned = dict(meta, classes=('box', 'disk'))
    for sample in samples:
        sample.pred_instances.labels = 1 - sample.pred_instances.labels
    assert evaluate(samples, meta=turned, **options) == figures


@pytest.mark.parametrize(
    ('meta', 'message'),
    [
        (dict(classes=CLASSES), 'categories in the order box, disk, the classes .* are disk, box'),
        (dict(classes=('disk', 'bock')), "no category of this name: 'bock'"),
    ],
)
def test_other_classes_are_told_before_the_first_image(reversed_file, meta, message) -> None:
    with pytest.raises(ValueError, match=rf'reversed.json.* {message}'):
        evaluate([], meta=meta, ann_file=reversed_file)


def test_labels_that_no_class_has(ann_file) -> None:
    samples = predictions()
    samples[0].pred_instances.labels += 1
    with pytest.raises(ValueError, match='predicts labels 1 to 2, but the data set has 2 classes'):
        evaluate(samples, metric='bbox', ann_file=ann_file)


def test_annotations_that_are_broken(ann_file) -> None:
    content = json.loads(Path(ann_file).read_text())
    del content['annotations'][1]['segmentation']
    Path(ann_file).write_text(json.dumps(content))
    with pytest.raises(ValueError, match='instances.json: annotation 2 has no segmentation'):
        BoundaryCocoMetric(ann_file, metric='segm')
    assert BoundaryCocoMetric(ann_file, metric='bbox').metrics == ['bbox']


def test_evaluated_again_with_the_same_metric(ann_file) -> None:
    metric = BoundaryCocoMetric(ann_file, metric=ALL)
    metric.dataset_meta = dict(classes=CLASSES)
    figures = []
    for _ in range(2):
        metric.process({}, [sample.to_dict() for sample in predictions(shift=2)])
        figures.append(metric.evaluate(len(IMAGES)))
    assert figures[0] == figures[1]
    assert metric.outfile_prefix is None


def test_rules_of_lvis(tmp_path, ann_file) -> None:
    """Image 12 is not in the LVIS file; in the others boxes were not looked for."""
    lvis_file = tmp_path / 'lvis.json'
    lists = dict(neg_category_ids=[], not_exhaustive_category_ids=[])
    annotation_file(lvis_file, IMAGES[:2], **lists)
    content = json.loads(lvis_file.read_text())
    content['annotations'] = [a for a in content['annotations'] if a['category_id'] == 3]
    for annotation in content['annotations']:
        del annotation['iscrowd']
    lvis_file.write_text(json.dumps(content))
    figures = evaluate(
        predictions(), metric=['segm'], ann_file=ann_file, lvis_ann_file=str(lvis_file)
    )
    assert figures['coco/segm_mAP'] == figures['coco/segm_lvis_mAP'] == 1
    figures = evaluate(predictions(2), metric=ALL, ann_file=ann_file, lvis_ann_file=str(lvis_file))
    assert 0 < figures['coco/segm_lvis_mAP'] < 1
    assert figures['coco/segm_lvis_mAP_s'] == figures['coco/segm_lvis_mAP']
    with pytest.raises(ValueError, match=r'is no LVIS annotation file: image 7 lacks'):
        BoundaryCocoMetric(ann_file, lvis_ann_file=ann_file)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(metric='mask'), "metric is 'mask', but must be of bbox, segm, .*, boundary_f1"),
        (dict(dilation_ratio=2), 'dilation_ratio is 2, but must be above 0 and below 1'),
        (dict(num_processes=0), 'num_processes is 0, but must be at least 1'),
        (dict(metric_items=['AP']), "metric_items has 'AP', but must be of mAP, mAP_50"),
        (dict(lvis_ann_file='lvis.json'), 'lvis_ann_file needs ann_file'),
    ],
)
def test_options_out_of_range(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        BoundaryCocoMetric(**options)


def test_model_without_masks_is_told(ann_file) -> None:
    with pytest.raises(ValueError, match='boundary needs masks, but the predictions have none'):
        evaluate(predictions(with_masks=False), metric='boundary', ann_file=ann_file)


WITHOUT_OPS = """
import sys
sys.modules['mmcv._ext'] = None
from mmfewshot_seg.evaluation import BoundaryCocoMetric
print(BoundaryCocoMetric(metric=['boundary']).own_metrics)
"""


@pytest.mark.slow
@pytest.mark.skipif(mmdet.__version__.startswith('3.3'), reason='mmdet 3.3 imports the ops')
def test_needs_no_compiled_ops() -> None:
    run = subprocess.run([sys.executable, '-c', WITHOUT_OPS], capture_output=True, text=True)
    assert run.stdout.splitlines()[-1:] == ["['boundary']"], run.stderr


TWO_PROCESSES = """
import sys
sys.path[:0] = ['.', 'tests']
from torch import distributed
from evaluation.test_boundary_coco_metric import *
distributed.init_process_group('gloo')
metric = BoundaryCocoMetric(sys.argv[1], metric=ALL)
metric.dataset_meta = dict(classes=CLASSES)
samples = [s.to_dict() for s in predictions(shift=2)]
mine = [[0, 2], [1, 0]][distributed.get_rank()]  # the sampler fills up with the first
metric.process({}, [samples[i] for i in mine])
figures = metric.evaluate(len(IMAGES))
# One write, so that the lines of two processes cannot mix.
sys.stdout.write('RESULT ' + json.dumps(figures, sort_keys=True) + '\\n')
"""


@pytest.mark.slow
def test_two_processes_agree_with_one(tmp_path, ann_file) -> None:
    script = tmp_path / 'two.py'
    script.write_text(TWO_PROCESSES)
    launch = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node=2']
    run = subprocess.run([*launch, str(script), ann_file], cwd=ROOT, capture_output=True, text=True)
    lines = [x.partition('RESULT ')[2] for x in run.stdout.splitlines() if 'RESULT ' in x]
    assert len(lines) == 2, run.stderr
    one = evaluate(predictions(shift=2), metric=ALL, ann_file=ann_file)
    assert [json.loads(line) for line in lines] == [one, one]
