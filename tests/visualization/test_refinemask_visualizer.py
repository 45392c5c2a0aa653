"""Pictures of the stages of RefineMask: which detections, what is in a row, where it goes."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from mmfewshot_seg.visualization.overlay import COLOURS
from mmfewshot_seg.visualization.tiles import CAPTION, GAP, TILE

pytest.importorskip('mmcv._ext', reason='mmcv has no compiled ops: make test')

from mmdet.structures import DetDataSample  # noqa: E402

from mmfewshot_seg.visualization import RefineMaskVisualizer  # noqa: E402
from mmfewshot_seg.visualization.refinemask_visualizer import boundary_band  # noqa: E402

WIDTH, HEIGHT = TILE + GAP, TILE + CAPTION + GAP
ROW = ['crop', '14', '28', '56', '112', 'band', 'final']


def _stages() -> tuple[torch.Tensor, ...]:
    """Left half of 14, right half of 28, upper half of 56, lower half of 112 x 112 pixels."""
    stages = [torch.full((size, size), -5.0) for size in (14, 28, 56, 112)]
    stages[0][:, :7] = stages[1][:, 14:] = stages[2][:28] = stages[3][56:] = 5
    return tuple(stages)


def _sample(scores: list[float], chosen: list[int]) -> DetDataSample:
    """Boxes of 40 x 20 at (10, 20), their masks the left half."""
    masks = torch.zeros(len(scores), 60, 80, dtype=torch.bool)
    masks[:, 20:40, 10:30] = True
    found = InstanceData(
        bboxes=torch.tensor([[10.0, 20, 50, 40]]).repeat(len(scores), 1),
        labels=torch.arange(len(scores)),
        scores=torch.tensor(scores),
        masks=masks,
        stage_logits=[_stages() if i in chosen else None for i in range(len(scores))],
    )
    return DetDataSample(pred_instances=found)


def _visualizer() -> RefineMaskVisualizer:
    visualizer = RefineMaskVisualizer()
    visualizer.dataset_meta = dict(classes=('cup', 'dog', 'cat'), palette=None)
    return visualizer


def _draw(folder, sample: DetDataSample, **kwargs) -> dict[str, np.ndarray]:
    """Pictures by file name, over a grey image."""
    image = np.full((60, 80, 3), 100, np.uint8)
    _visualizer().add_datasample(
        'name', image, sample, draw_gt=False, out_file=str(folder / 'a.png'), **kwargs
    )
    return {path.name: cv2.imread(str(path))[..., ::-1] for path in folder.iterdir()}


def test_a_row_has_crop_stages_band_and_mask(tmp_path) -> None:
    pictures = _draw(tmp_path, _sample([0.9], [0]))
    assert pictures.keys() == {'a.png', 'a_stages.png'}
    assert pictures['a.png'].shape == (60, 80, 3)
    picture = pictures['a_stages.png']
    assert picture.shape == (HEIGHT, len(ROW) * WIDTH, 3)
    painted = (0.5 * 100 + 0.5 * np.array(COLOURS[0])).astype(np.uint8).tolist()
    # The crop is twice as wide as high. One point of each quarter, away from outlines:
    points = dict(ul=(20, 40), ur=(20, 190), ll=(95, 40), lr=(95, 190))
    inside = {
        name: {
            corner
            for corner, (y, x) in points.items()
            if picture[y, column * WIDTH + x].tolist() == painted
        }
        for column, name in enumerate(ROW)
    }
    assert inside == {
        'crop': set(),
        '14': {'ul', 'll'},
        '28': {'ur', 'lr'},
        '56': {'ul', 'ur'},
        '112': {'ll', 'lr'},
        'band': set(),
        'final': {'ul', 'll'},
    }
    assert picture[20, 40].tolist() == [100] * 3
    band = picture[: TILE // 2, 5 * WIDTH : 5 * WIDTH + TILE]
    assert 0.05 < (band == COLOURS[0]).all(axis=-1).mean() < 0.2  # in full colour, for it is thin


def test_only_detections_chosen_and_above_the_threshold_are_drawn(tmp_path) -> None:
    pictures = _draw(tmp_path, _sample([0.9, 0.8, 0.1], [0, 2]))
    assert pictures['a_stages.png'].shape[0] == HEIGHT
    pictures = _draw(tmp_path, _sample([0.9, 0.8, 0.1], [0, 2]), pred_score_thr=0)
    assert pictures['a_stages.png'].shape[0] == 2 * HEIGHT


@pytest.mark.parametrize('case', ['none chosen', 'no field', 'no detection', 'not drawn'])
def test_without_stages_only_mmdets_picture_is_drawn(case, tmp_path) -> None:
    sample = _sample([0.9], [] if case == 'none chosen' else [0])
    if case == 'no field':
        del sample.pred_instances.stage_logits
    elif case == 'no detection':
        sample.pred_instances = sample.pred_instances[:0]
    pictures = _draw(tmp_path, sample, draw_pred=case != 'not drawn')
    assert pictures.keys() == {'a.png'}


def test_backends_get_both_pictures(tmp_path) -> None:
    visualizer = RefineMaskVisualizer(
        vis_backends=[dict(type='LocalVisBackend')], save_dir=str(tmp_path)
    )
    image = np.zeros((60, 80, 3), np.uint8)
    visualizer.add_datasample('val_img', image, _sample([0.9], [0]), draw_gt=False, step=7)
    names = sorted(path.name for path in tmp_path.rglob('*.png'))
    assert names == ['val_img_7.png', 'val_img_stages_7.png']
    assert visualizer.get_image().shape == (60, 80, 3)  # mmdet's, as its users expect


@pytest.mark.parametrize(
    'box', [(-5.0, -5, 90, 70), (79.9, 59.9, 80, 60), (10, 20, 10, 20), (80, 60, 80, 60)]
)
def test_boxes_at_the_border_and_without_area(box, tmp_path) -> None:
    sample = _sample([0.9], [0])
    sample.pred_instances.bboxes = torch.tensor([box])
    assert _draw(tmp_path, sample)['a_stages.png'].shape == (HEIGHT, len(ROW) * WIDTH, 3)


def test_the_band_is_where_the_last_stage_decides() -> None:
    from mmfewshot_seg.models.refinemask import merge_stages

    generator = torch.Generator().manual_seed(0)
    stages = [torch.randn(size, size, generator=generator) for size in (14, 28, 56, 112)]
    stages[1][:, :14] = 5  # without a contour
    band = boundary_band(stages)
    merged = merge_stages([logits[None, None] for logits in stages])[0, 0]
    assert band.shape == (112, 112) and 0.1 < band.float().mean() < 0.9
    torch.testing.assert_close(band, merged == stages[-1])
