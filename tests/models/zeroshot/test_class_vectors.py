"""Vectors that are compared with: their order, modes, the background that completes them."""

import pytest
import torch

from mmfewshot_seg.models.zeroshot import ClassVectors
from mmfewshot_seg.models.zeroshot.detected_classes import DetectedClasses

SEEN = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
UNSEEN = torch.tensor([[3.0, 4.0]])
BACKGROUND = torch.tensor([0.5, 0.5])


@pytest.fixture
def vectors() -> ClassVectors:
    found = ClassVectors(num_seen=2, word_dim=2)
    found.set(SEEN, BACKGROUND)
    return found


def test_background_is_last(vectors) -> None:
    assert vectors.classifier().tolist() == [[1, 0], [0, 2], [0.5, 0.5]]


@pytest.mark.parametrize(
    ('mode', 'expected'),
    [
        ('seen', [[1, 0], [0, 4], [0.5, 1]]),
        ('unseen', [[3], [8], [3.5]]),
        ('generalized', [[1, 0, 3], [0, 4, 8], [0.5, 1, 3.5]]),
    ],
)
def test_similarity(vectors, mode: str, expected: list) -> None:
    assert vectors.similarity(DetectedClasses(mode, UNSEEN)).tolist() == expected


def test_background_is_read_at_every_use(vectors) -> None:
    source = torch.tensor([7.0, 8.0])
    vectors.bind_background(lambda: source)
    assert vectors.classifier()[-1].tolist() == [7, 8]
    source += 1
    assert vectors.classifier()[-1].tolist() == [8, 9]


def test_background_stays_the_word_if_not_synchronised() -> None:
    vectors = ClassVectors(2, 2, sync_background=False)
    vectors.set(SEEN, background=BACKGROUND)
    vectors.bind_background(lambda: torch.tensor([7.0, 8.0]))
    assert vectors.classifier()[-1].tolist() == [0.5, 0.5]


def test_nothing_is_saved_but_all_moves_with_the_model(vectors) -> None:
    assert not vectors.state_dict()
    assert vectors.double().classifier().dtype == torch.float64
    assert vectors.targets(DetectedClasses('generalized', UNSEEN)).dtype == torch.float64


def test_forgotten_vectors_are_missed() -> None:
    with pytest.raises(RuntimeError, match='vectors of the seen classes are not set'):
        ClassVectors(2, 2).classifier()


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        (dict(seen=SEEN[:1]), r'seen vectors of shape \(1, 2\), expected \(2, 2\)'),
        (dict(background=SEEN), r'background vectors of shape \(2, 2\), expected \(2,\)'),
        (dict(seen=SEEN / 0), 'not finite'),
    ],
)
def test_vectors_that_do_not_fit(vectors, given: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        vectors.set(**given)


@pytest.mark.parametrize(
    ('mode', 'unseen', 'message'),
    [
        ('novel', UNSEEN, "mode='novel': the modes are seen, unseen, generalized"),
        ('unseen', UNSEEN[:0], "mode='unseen', but there are no vectors of unseen classes"),
    ],
)
def test_what_cannot_be_detected(mode: str, unseen: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DetectedClasses(mode, unseen)
