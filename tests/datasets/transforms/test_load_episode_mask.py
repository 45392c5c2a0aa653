"""The label of an episode and what void means in it."""

import numpy as np
import pytest

from mmfewshot_seg.datasets.transforms import LoadEpisodeMask


class MaskSource:
    def __init__(self):
        self.label = np.array([[0, 1, 2], [255, 0, 1]], np.uint8)

    def label_map(self, j, class_ids):
        assert (j, class_ids) == (3, (8, 5))
        return self.label


def mask_sample(role='support', support_void='background', ori_shape=(2, 3)):
    return dict(
        source=MaskSource(),
        image=3,
        class_ids=(8, 5),
        role=role,
        support_void=support_void,
        ori_shape=ori_shape,
        seg_fields=[],
        img_path='b.jpg',
    )


@pytest.mark.parametrize(
    ('role', 'support_void', 'void'),
    [
        ('support', 'background', 0),
        ('support', 'ignore', 255),
        ('query', 'background', 255),
        ('query', 'ignore', 255),
    ],
)
def test_void(role, support_void, void):
    sample = mask_sample(role, support_void)
    loaded = LoadEpisodeMask()(sample)
    assert loaded['gt_seg_map'].tolist() == [[0, 1, 2], [void, 0, 1]]
    assert loaded['seg_fields'] == ['gt_seg_map']
    assert sample['source'].label[1, 0] == 255  # the source's array is not written to


def test_refusals():
    with pytest.raises(ValueError, match=r'b.jpg: .* size \(4, 3\), its mask \(2, 3\)'):
        LoadEpisodeMask()(mask_sample(ori_shape=(4, 3)))
    sample = mask_sample()
    del sample['ori_shape']
    with pytest.raises(ValueError, match='must stand after LoadImageFromFile'):
        LoadEpisodeMask()(sample)
