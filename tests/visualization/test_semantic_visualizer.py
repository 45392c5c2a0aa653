"""Pictures of edges beside those of classes."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmfewshot_seg.visualization import SemanticVisualizer


def _sample(edges: bool) -> SegDataSample:
    sample = SegDataSample(pred_sem_seg=PixelData(data=torch.zeros(1, 30, 40, dtype=torch.long)))
    if edges:
        probability = torch.zeros(1, 30, 40)
        probability[0, 5] = 0.5
        sample.set_data(dict(pred_edges=PixelData(data=probability)))
    return sample


def _visualizer(folder) -> SemanticVisualizer:
    visualizer = SemanticVisualizer(
        vis_backends=[dict(type='LocalVisBackend')], save_dir=str(folder)
    )
    visualizer.dataset_meta = dict(classes=('ground', 'thing'), palette=[[9, 9, 9], [200, 0, 0]])
    return visualizer


@pytest.mark.parametrize('edges', [True, False])
def test_edges_are_a_picture_beside_that_of_classes(edges, tmp_path) -> None:
    image = np.full((30, 40, 3), 90, np.uint8)
    _visualizer(tmp_path).add_datasample('test_a.png', image, _sample(edges), step=3)
    pictures = {path.name: cv2.imread(str(path)) for path in tmp_path.rglob('*.png')}
    assert len(pictures) == 1 + edges
    if edges:
        (picture,) = (value for name, value in pictures.items() if '_edges' in name)
        assert picture.shape == (30, 40, 3)
        assert (picture[5] == 127).all() and not picture[6:].any()


def test_edges_may_be_written_to_a_file(tmp_path) -> None:
    image = np.full((30, 40, 3), 90, np.uint8)
    visualizer = _visualizer(tmp_path / 'unused')
    visualizer.add_datasample('a', image, _sample(True), out_file=str(tmp_path / 'a.png'))
    assert {path.name for path in tmp_path.glob('*.png')} == {'a.png', 'a_edges.png'}
