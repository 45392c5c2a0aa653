"""Whole zero-shot detectors: training, prediction, classes at run time, copies, files, errors."""

import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from helpers.zeroshot_configs import (
    SEEN,
    UNSEEN,
    WORD_DIM,
    bbox_head,
    box_detector,
    classes,
    detector,
    mask_head,
    roi_head,
    rpn_head,
    vectors,
)
from mmdet.testing import demo_mm_inputs
from mmengine.model import ExponentialMovingAverage
from mmengine.registry import DefaultScope
from torch import nn

from mmfewshot_seg.classes.word_vectors import WordVectors
from mmfewshot_seg.models.zeroshot.detected_classes import DetectedClasses
from mmfewshot_seg.registry import MODELS

SHAPES = [(3, 96, 128), (3, 64, 70)]
CONFIGS = {
    'masks': detector,
    'boxes': box_detector,
    'no_vocabulary': lambda mode='seen': detector(mode, classes=classes(vocabulary=None)),
    'paper': lambda mode='seen': detector(
        mode,
        roi_head(bbox_head=bbox_head(reg_class_agnostic=True), mask_head=mask_head(num_convs=4)),
        rpn_head=rpn_head(background_grad=True),
    ),
}
each_detector = pytest.mark.parametrize('name', CONFIGS)
each_mode = pytest.mark.parametrize('mode', ['seen', 'unseen', 'generalized'])


def build(config: dict) -> nn.Module:
    DefaultScope._instance_dict.clear()
    torch.manual_seed(0)
    model = MODELS.build(config)
    model.init_weights()
    return model


def demo(model: nn.Module, num_items: tuple | None = None) -> dict:
    options = {} if num_items is None else dict(num_items=num_items)
    found = demo_mm_inputs(2, SHAPES, num_classes=len(SEEN), with_mask=True, **options)
    return model.data_preprocessor(found, num_items is not None)


@torch.no_grad()
def predict(model: nn.Module) -> list:
    samples = model.eval()(**demo(model), mode='predict')
    return [sample.pred_instances for sample in samples]


@each_detector
@pytest.mark.parametrize('num_items', [(3, 2), (0, 0)])
def test_every_parameter_learns(name: str, num_items: tuple) -> None:
    """With and without objects, so that distributed training needs no special flag."""
    model = build(CONFIGS[name]()).train()
    total, log = model.parse_losses(model(**demo(model, num_items), mode='loss'))
    total.backward()
    assert total.isfinite()
    frozen = {n for n, p in model.named_parameters() if p.requires_grad and p.grad is None}
    assert frozen == set()
    assert log['loss_bbox_reconstruction'] > 0
    if 'loss_mask' in log:
        assert (log['loss_mask'] > 0) == (num_items != (0, 0))
        assert (log['loss_mask_reconstruction'] > 0) == (num_items != (0, 0))


def test_background_learns_from_the_heads_if_asked_to() -> None:
    gradients = []
    for background_grad in (False, True):
        model = build(detector(rpn_head=rpn_head(background_grad=background_grad))).train()
        with torch.no_grad():  # initial words are nearly zero
            model.roi_head.bbox_head.fc_semantic.bias.normal_()
            model.roi_head.bbox_head.kernel_semantic.weight.normal_()
        losses = model(**demo(model, (3, 2)), mode='loss')
        losses['loss_cls'].backward()
        gradients.append(model.rpn_head.vec_fb.weight.grad)
    assert gradients[0] is None
    assert gradients[1][1::2].any() and not gradients[1][::2].any()


@each_mode
@each_detector
def test_labels_are_those_of_the_mode(name: str, mode: str) -> None:
    model = build(CONFIGS[name](mode))
    found = predict(model)
    count = dict(seen=len(SEEN), unseen=len(UNSEEN), generalized=len(SEEN + UNSEEN))[mode]
    labels = torch.cat([instances.labels for instances in found])
    assert set(labels.tolist()) <= set(range(count)) and len(model.class_names) == count
    for instances in found:
        assert len(instances) == (10 if mode == 'generalized' else 5)
        unseen = instances.labels >= len(SEEN)
        assert mode != 'generalized' or unseen.sum() == 5
        if name != 'boxes':
            assert len(instances.masks) == len(instances)


def test_generalised_mode_is_both_others() -> None:
    model, found = build(detector()), {}
    for mode in ('seen', 'unseen', 'generalized'):
        model.set_mode(mode)
        found[mode] = predict(model)
    for both, seen, unseen in zip(
        found['generalized'], found['seen'], found['unseen'], strict=True
    ):
        torch.testing.assert_close(both.scores, torch.cat([seen.scores, unseen.scores]))
        torch.testing.assert_close(both.bboxes, torch.cat([seen.bboxes, unseen.bboxes]))
        assert torch.equal(both.labels, torch.cat([seen.labels, unseen.labels + len(SEEN)]))
        assert torch.equal(both.masks, torch.cat([seen.masks, unseen.masks]))


@each_detector
def test_no_detections(name: str) -> None:
    model = build(CONFIGS[name]('generalized'))
    model.roi_head.test_cfg.score_thr = 10.0
    assert [len(instances) for instances in predict(model)] == [0, 0]


def test_no_proposals() -> None:
    model = build(detector('generalized')).eval()
    inputs = demo(model)
    with torch.no_grad():
        levels = model.extract_feat(inputs['inputs'])
        proposals = model.rpn_head.predict(levels, inputs['data_samples'], rescale=False)
        found = model.roi_head.predict(levels, [p[:0] for p in proposals], inputs['data_samples'])
    assert [len(instances.masks) for instances in found] == [0, 0]


@each_detector
def test_tensor_mode(name: str) -> None:
    model = build(CONFIGS[name]('generalized')).eval()
    with torch.no_grad():
        ((scores, _, *masks),) = model(**demo(model), mode='tensor')
    assert scores.shape[1] == len(SEEN + UNSEEN) and scores.std() > 0
    assert [mask.shape[1:] for mask in masks] == [(1, 28, 28)] * (name != 'boxes')


def test_all_heads_read_the_background_of_the_rpn() -> None:
    model = build(detector())
    with torch.no_grad():
        model.rpn_head.vec_fb.weight.normal_()
    expected = model.rpn_head.vec_fb.weight[[1, 3, 5], :, 0, 0].sum(0) / 3
    for class_vectors in model.roi_head.class_vectors:
        torch.testing.assert_close(class_vectors.classifier()[-1], expected)


def test_background_begins_with_its_word_vector() -> None:
    seen = vectors(len(SEEN + UNSEEN))[: len(SEEN)]
    torch.testing.assert_close(
        build(detector()).rpn_head.background_vector(), torch.tensor(seen.mean(0))
    )
    table = WordVectors(SEEN, seen, background=seen[2])
    config = detector(classes=classes(split=dict(seen=SEEN), word_vectors=table))
    model = build(config)
    torch.testing.assert_close(model.rpn_head.background_vector(), torch.tensor(seen[2]))
    torch.testing.assert_close(model.rpn_head.vec_fb.weight[1::2].std(0).max(), torch.tensor(0.0))


def test_background_of_a_word_or_of_none() -> None:
    drawn = vectors(len(SEEN + UNSEEN) + 1)
    table = WordVectors((*SEEN, *UNSEEN, 'sky'), drawn, background=drawn[0])
    for background, expected in (('sky', drawn[-1]), (0, 0 * drawn[0]), (None, drawn[0])):
        model = build(detector(classes=classes(word_vectors=table, background=background)))
        found = model.rpn_head.background_vector()
        torch.testing.assert_close(found, torch.tensor(expected))
    for background, message in (('sea', "no word vector for 'sea'"), (1, 'background=1, expected')):
        with pytest.raises(ValueError, match=message):
            build(detector(classes=classes(word_vectors=table, background=background)))


def test_background_that_is_the_mean_of_the_seen_classes_never_wins() -> None:
    """Its logit is the mean of theirs, so that its share is at most 1 / (S + 1)."""
    mean, zero = (build(detector(classes=classes(background=b))) for b in (None, 0))
    words = 5 * torch.randn(1000, WORD_DIM)
    shares = [m.roi_head.bbox_head.classify(words).softmax(1)[:, -1] for m in (mean, zero)]
    assert shares[0].max() <= 1 / (len(SEEN) + 1) + 1e-6 and shares[1].max() > 0.9


def test_a_copy_reads_its_own_background() -> None:
    model = build(detector('unseen'))
    before = predict(model)
    others = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    averaged = ExponentialMovingAverage(model)
    averaged.update_parameters(model)
    with torch.no_grad():
        model.rpn_head.vec_fb.weight.add_(3)
    for other in [*others, averaged.module]:
        other_vectors = other.roi_head.bbox_head.class_vectors
        torch.testing.assert_close(other_vectors.background(), other.rpn_head.background_vector())
        for ours, theirs in zip(before, predict(other), strict=True):
            torch.testing.assert_close(ours.scores, theirs.scores)
            assert torch.equal(ours.masks, theirs.masks)


def test_one_key_of_the_background_and_none_of_the_classes() -> None:
    keys = build(detector()).state_dict().keys()
    assert [key for key in keys if 'vec' in key or 'background' in key] == [
        'rpn_head.vec_fb.weight'
    ]
    assert not any('vocabulary' in key for key in keys)


@each_detector
def test_saved_and_loaded_gives_the_same(name: str, tmp_path) -> None:
    model, other = build(CONFIGS[name]('unseen')), build(CONFIGS[name]('unseen'))
    before = predict(model)
    torch.save(model.state_dict(), tmp_path / 'model.pth')
    for parameter in other.parameters():
        nn.init.normal_(parameter)
    predict(other)  # remembers its folded classifier
    other.load_state_dict(torch.load(tmp_path / 'model.pth', weights_only=True))
    for ours, theirs in zip(before, predict(other), strict=True):
        torch.testing.assert_close(ours.scores, theirs.scores)
        assert torch.equal(ours.labels, theirs.labels)


@pytest.mark.parametrize('count', [1, 1000])
@each_detector
def test_other_classes_at_run_time(name: str, count: int) -> None:
    model = build(CONFIGS[name]())
    weights = copy.deepcopy(model.state_dict())
    names = [f'thing {index}' for index in range(count)]
    model.set_classes(names, vectors(count, seed=5))
    assert model.class_names == tuple(names) == model.dataset_meta['classes']
    found = predict(model)
    assert all(len(instances) == 5 for instances in found)
    assert all(instances.labels.max() < count for instances in found)
    assert count == 1 or any(instances.labels.max() > len(UNSEEN) for instances in found)
    for key, value in model.state_dict().items():
        assert torch.equal(value, weights[key])
    model.set_mode('seen')
    assert model.class_names == SEEN


def _asked_for(model: nn.Module, detected: object) -> list:
    data = demo(model)
    with torch.no_grad():
        return model.predict(data['inputs'], data['data_samples'], detected=detected)


@each_detector
def test_threads_that_ask_for_different_classes(name: str) -> None:
    """Each gets what it gets alone; the model's own classes stay."""
    model = build(CONFIGS[name]('seen')).eval()
    before = predict(model)
    questions = [
        model.choose_classes([f'thing {index}' for index in range(5)], vectors(5, seed=5)),
        model.choose_classes(['one', 'other'], torch.tensor(vectors(2, seed=6)), 'generalized'),
        model.choose_classes(mode='seen'),
        model.choose_classes(mode='unseen'),
    ]
    alone = [_asked_for(model, question) for question in questions]
    barrier = threading.Barrier(len(questions))

    def ask(question: object) -> list[list]:
        barrier.wait()
        return [_asked_for(model, question) for _ in range(4)]

    with ThreadPoolExecutor(len(questions)) as pool:
        together = list(pool.map(ask, questions))
    for question, expected, rounds in zip(questions, alone, together, strict=True):
        for samples in rounds:
            for ours, theirs in zip(samples, expected, strict=True):
                assert ours.zeroshot_classes == question.names
                _assert_equal(ours.pred_instances, theirs.pred_instances)
    assert model.class_names == SEEN and model.split.unseen == UNSEEN
    for ours, theirs in zip(predict(model), before, strict=True):
        _assert_equal(ours, theirs)


def _assert_equal(one: object, other: object) -> None:
    assert one.keys() == other.keys() and len(one) > 0
    for key in one.keys():
        assert torch.equal(one[key], other[key]), key


def test_vectors_do_not_stay_with_the_predictions() -> None:
    model = build(detector()).eval()
    for sample in _asked_for(model, None):
        assert not [v for v in sample.metainfo.values() if isinstance(v, DetectedClasses)]


@pytest.mark.parametrize(
    ('asked', 'message'),
    [
        (dict(vectors=vectors(3)), 'vectors need the names of their classes'),
        (dict(names=['x'], vectors=vectors(1), mode='seen'), "mode='seen' detects the classes of"),
        (dict(mode='novel'), "mode='novel': the modes are"),
        (dict(names=['cat']), 'overlap: cat'),
    ],
)
def test_questions_that_are_refused(asked: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(detector()).choose_classes(**asked)


def test_a_class_is_found_by_its_vector_whatever_its_number() -> None:
    model = build(detector(roi=roi_head(bbox_head=bbox_head(unseen_reg='top_seen'))))
    order = [2, 0, 1]
    found = []
    for permutation in ([0, 1, 2], order):
        names = [UNSEEN[index] for index in permutation]
        model.set_classes(names)  # from the file that it was built with
        found.append(predict(model))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one.scores, other.scores)
        assert one.labels.tolist() == [order[label] for label in other.labels.tolist()]


def test_inferencers_are_told_the_classes_that_are_detected() -> None:
    """They set what the checkpoint knows: the classes that were trained on."""
    model = build(detector('unseen'))
    assert model.dataset_meta['classes'] == UNSEEN
    model.dataset_meta = dict(classes=SEEN, palette='random')
    assert model.dataset_meta == dict(classes=UNSEEN, palette='random')
    model.dataset_meta['palette'] = 'coco'
    held = model.dataset_meta  # as a visualizer does
    model.set_mode('generalized')
    assert held == model.dataset_meta == dict(classes=SEEN + UNSEEN, palette='coco')


def test_data_of_other_classes_are_refused() -> None:
    model = build(detector('unseen'))
    model.check_data(dict(classes=[name.upper() for name in UNSEEN]))
    model.check_data(dict(classes=SEEN), training=True)
    with pytest.raises(ValueError, match="data set 4; label 0.*rcnn.mode='unseen' to .*, 'seen'"):
        model.check_data(dict(classes=SEEN, mode='seen'))
    with pytest.raises(ValueError, match="is 'cat' here and 'boat' there. The seen classes"):
        model.check_data(dict(classes=SEEN[::-1]), training=True)


def test_sample_is_told_the_classes_of_its_labels() -> None:
    model = build(detector('generalized')).eval()
    with torch.no_grad():
        samples = model(**demo(model), mode='predict')
    assert [sample.zeroshot_classes for sample in samples] == [SEEN + UNSEEN] * 2


@each_detector
def test_bfloat16(name: str) -> None:
    logs = []
    for enabled in (False, True):
        model = build(CONFIGS[name]('generalized')).train()
        with torch.autocast('cpu', torch.bfloat16, enabled=enabled):
            total, log = model.parse_losses(model(**demo(model, (3, 2)), mode='loss'))
        logs.append({key: value.item() for key, value in log.items()})
    assert logs[1] == pytest.approx(logs[0], rel=0.1)
    total.backward()
    with torch.autocast('cpu', torch.bfloat16):
        found = predict(model)
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)
    assert all(len(instances) == 10 for instances in found)
    assert all(instances.scores.dtype == torch.float32 for instances in found)


REFUSED = {
    'overlap': (
        dict(classes=classes(split=dict(seen=SEEN, unseen=['lion', 'Cat']))),
        'seen and unseen classes overlap: cat',
    ),
    'unknown_split': (dict(classes=classes(split='coco_60_20')), "split='coco_60_20'"),
    'unknown_class': (
        dict(classes=classes(split=dict(seen=SEEN, unseen=['lyon']))),
        r"no word vector for 'lyon' \(did you mean 'lion'\?\)",
    ),
    'vocabulary': (
        dict(classes=classes(vocabulary=np.zeros((9, WORD_DIM + 1)))),
        r'vocabulary of shape \(9, 13\) beside word vectors of length 12',
    ),
    'mode': (dict(mode='zsi'), "mode='zsi': the modes are seen, unseen, generalized"),
    'number': (
        dict(roi=roi_head(bbox_head=bbox_head(num_classes=80))),
        'bbox_head with num_classes=80, but the classes have 4',
    ),
    'length': (dict(rpn_head=rpn_head(word_dim=300)), 'rpn_head with word_dim=300, but .* have 12'),
    'regressor': (
        dict(roi=roi_head(bbox_head=bbox_head(unseen_reg='nearest'))),
        "unseen_reg='nearest', expected one of index, top_seen, expected",
    ),
    'rpn': (
        dict(rpn_head=rpn_head(type='mmdet.RPNHead')),
        'rpn_head of type mmdet.RPNHead, expected BackgroundAwareRPNHead',
    ),
    'bbox_head': (
        dict(roi=roi_head(bbox_head=bbox_head(type='mmdet.Shared2FCBBoxHead'))),
        'bbox_head of type mmdet.Shared2FCBBoxHead, expected ZeroShotBBoxHead',
    ),
    'mask_head': (
        dict(roi=roi_head(mask_head=mask_head(type='FCNMaskHead'))),
        'mask_head of type FCNMaskHead, expected SemanticMaskHead',
    ),
    'sigmoid': (
        dict(rpn_head=rpn_head(loss_cls=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True))),
        'loss_cls with use_sigmoid=True, expected False',
    ),
    'no_masks': (
        dict(roi=roi_head(mask_head=None, mask_roi_extractor=None)),
        'roi_head without mask_head',
    ),
}


@pytest.mark.parametrize('name', REFUSED)
def test_configs_that_are_refused(name: str) -> None:
    options, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        build(detector(**options))


@pytest.mark.parametrize(
    ('names', 'given', 'message'),
    [
        (['lion', 'cat'], None, 'overlap: cat'),
        (['lion', 'lion'], None, 'twice: lion'),
        (['lion', 'ship'], vectors(3), '3 vectors for 2 classes'),
        (['lion'], np.zeros((1, 7)), r'vectors of shape \(1, 7\), expected a row of 12 numbers'),
        (['lion'], np.full((1, WORD_DIM), np.nan), 'not finite'),
        (['okapi'], None, "no word vector for 'okapi'"),
        ([], None, 'no unseen classes'),
        ('lion', None, "unseen='lion' is no file; give class names as a list"),
    ],
)
def test_classes_that_are_refused(names: list, given, message: str) -> None:
    model = build(detector('unseen'))
    before = predict(model)
    with pytest.raises(ValueError, match=message):
        model.set_classes(names, given)
    assert model.class_names == UNSEEN
    torch.testing.assert_close(predict(model)[0].scores, before[0].scores)


def test_config_serves_other_classes_too() -> None:
    config = detector()
    before = copy.deepcopy(config)
    build(config)
    assert config.roi_head == before.roi_head and config.rpn_head == before.rpn_head
    config.classes = classes(split=dict(seen=SEEN[:2], unseen=UNSEEN))
    assert build(config).roi_head.mask_head.num_classes == 2


def test_mode_without_classes_is_refused() -> None:
    with pytest.raises(ValueError, match='no unseen classes'):
        build(detector('unseen', classes=classes(split=dict(seen=SEEN))))
    model = build(detector(classes=classes(split=dict(seen=SEEN))))
    with pytest.raises(ValueError, match='no unseen classes'):
        model.set_mode('generalized')
    with pytest.raises(ValueError, match="mode='novel'"):
        model.set_mode('novel')
