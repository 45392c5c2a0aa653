"""Pixels of the pictures of samples: what stands where, in which colour."""

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData
from mmseg.structures import SegDataSample

from mmfewshot_seg.visualization.overlay import COLOURS, PROTOTYPE_COLOURS
from mmfewshot_seg.visualization.sample_pictures import IGNORED_LINE, SIDE, sample_picture
from mmfewshot_seg.visualization.tiles import CAPTION, GAP

WIDE = torch.full((3, 120, SIDE), 30, dtype=torch.uint8)  # drawn pixel for pixel
STEP = SIDE + GAP


class Bitmaps:
    """As far as pictures need those of mmdet, which cannot be imported without compiled ops."""

    def __init__(self, masks: np.ndarray) -> None:
        self.masks, (self.height, self.width) = masks, masks.shape[1:]

    def __len__(self) -> int:
        return len(self.masks)

    def __getitem__(self, index) -> 'Bitmaps':
        return Bitmaps(self.masks[index])

    def to_ndarray(self) -> np.ndarray:
        return self.masks


def _instances(boxes: list, labels: list, masks: bool = True, size=(120, SIDE)) -> InstanceData:
    found = InstanceData(bboxes=torch.tensor(boxes).float(), labels=torch.tensor(labels))
    if masks:
        painted = np.zeros((len(boxes), *size), np.uint8)
        for mask, (x1, y1, x2, y2) in zip(painted, boxes, strict=True):
            mask[y1:y2, x1:x2] = 1
        found.masks = Bitmaps(painted)
    return found


def _sample(**fields) -> SegDataSample:
    sample = SegDataSample()
    for key, value in fields.items():
        setattr(sample, key, value)
    return sample


def _mixed(colour) -> np.ndarray:
    """What a half-transparent colour gives on the grey of ``WIDE``."""
    return 0.5 * 30 + 0.5 * np.array(colour)


def test_objects_have_the_colour_of_their_class_and_small_ones_lie_on_top() -> None:
    boxes = [[20, 20, 60, 60], [0, 0, 240, 120], [300, 10, 340, 50], [400, 10, 440, 50]]
    found = _instances(boxes, [1, 0, 0, 7])
    picture = sample_picture(WIDE, _sample(gt_instances=found), ('cat', 'dog'))
    assert picture.shape == (120 + CAPTION + GAP, 3 * STEP, 3)
    masks = picture[:, 2 * STEP :]
    red, green, blue = (_mixed(colour) for colour in PROTOTYPE_COLOURS[:3])
    # largest first: cat is the first class drawn, dog the second, the undeclared one the third
    assert np.abs(masks[100, 230] - red).max() <= 1
    assert np.abs(masks[25, 25] - green).max() <= 1
    assert np.abs(masks[15, 305] - red).max() <= 1
    assert np.abs(masks[15, 405] - blue).max() <= 1
    assert (picture[15, 20] == 30).all()  # the image itself stays


def test_boxes_alone_are_lines_in_the_frame_they_are_measured_in() -> None:
    found = _instances([[100, 40, 300, 200]], [0], masks=False)
    picture = sample_picture(WIDE, _sample(gt_instances=found), ('cat',), box_frame=(240, 960))
    assert picture.shape[1] == 2 * STEP
    boxes = picture[:, STEP:]
    red = (boxes[:120] == PROTOTYPE_COLOURS[0]).all(-1)
    rows, columns = np.nonzero(red)
    # half as large as its frame, the lines two to three pixels
    assert abs(rows.min() - 20) <= 1 and abs(rows.max() - 100) <= 1
    assert abs(columns.min() - 50) <= 1 and abs(columns.max() - 150) <= 1
    assert not red[60, 60:140].any()


def test_ignored_objects_are_grey_and_below_others() -> None:
    crowd, found = _instances([[0, 0, 200, 100]], [0]), _instances([[50, 50, 90, 90]], [0])
    sample = _sample(gt_instances=found, ignored_instances=crowd)
    picture = sample_picture(WIDE, sample, ('cat',))
    assert (picture[0, STEP + 100] == IGNORED_LINE).all()
    masks = picture[:, 2 * STEP :].astype(int)
    assert np.abs(masks[54, 54] - _mixed(PROTOTYPE_COLOURS[0])).max() <= 1
    hatched = masks[10:40, 10:190]
    assert (hatched == hatched[..., :1]).all() and len(np.unique(hatched)) == 2


def test_image_without_objects() -> None:
    none = _instances([[0, 0, 9, 9]], [0])
    none = InstanceData(bboxes=none.bboxes[:0], labels=none.labels[:0], masks=none.masks[:0])
    picture = sample_picture(WIDE, _sample(gt_instances=none), ('cat',))
    assert (picture[:120, STEP : STEP + SIDE] == 30).all()


def test_more_objects_than_a_label_map_tells_apart() -> None:
    boxes = [[0, 0, 4 + i, 8] for i in range(300)]
    picture = sample_picture(WIDE, _sample(gt_instances=_instances(boxes, [0] * 300)), ('cat',))
    assert picture.shape[1] == 3 * STEP


def test_class_zero_is_painted_and_ignored_pixels_are_hatched() -> None:
    labels = torch.zeros(1, 120, SIDE, dtype=torch.int64)
    labels[..., 160:320], labels[..., 320:] = 1, 255
    sample = _sample(gt_sem_seg=PixelData(data=labels))
    palette = [[200, 0, 0], [0, 0, 200]]
    painted = sample_picture(WIDE, sample, ('sky', 'road'), palette)[:, STEP:]
    assert np.abs(painted[20, 20] - _mixed(palette[0])).max() <= 1
    assert np.abs(painted[20, 180] - _mixed(palette[1])).max() <= 1
    assert len(np.unique(painted[10:100, 330:470])) == 2
    written = sample_picture(WIDE, sample, ('sky', 'path'), palette)[:, STEP:]
    assert (written[:120, :160] == painted[:120, :160]).all()
    assert (written[:120, 160:320] != painted[:120, 160:320]).any()


def test_edges_lie_over_the_darkened_image() -> None:
    edges = torch.zeros(1, 120, SIDE, dtype=torch.int64)
    edges[0, 50], edges[0, 100:] = 1, 255
    picture = sample_picture(WIDE, _sample(gt_edge_map=PixelData(data=edges)), ())[:, STEP:]
    assert (picture[50, :SIDE] == COLOURS[0]).all()
    assert (picture[20, :SIDE] == 10).all()
    assert (picture[110, :SIDE] == 128).all()


@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
def test_image_comes_as_bgr_of_any_type(dtype) -> None:
    image = torch.zeros(3, 60, 240, dtype=dtype)
    image[0] = 255
    if dtype.is_floating_point:
        image[1] = -3.0
    picture = sample_picture(image, _sample(), ())
    assert (picture[:120, :SIDE] == (0, 0, 255)).all()


def test_labels_in_colours_are_refused() -> None:
    sample = _sample(gt_sem_seg=PixelData(data=torch.zeros(120, SIDE, 3, dtype=torch.uint8)))
    with pytest.raises(
        ValueError, match=r'shape \(120, 480, 3\), expected \(1, H, W\).*LoadLabels'
    ):
        sample_picture(WIDE, sample, ('cat',))
