"""The label map of an episode, as a transform."""

from mmcv.transforms import BaseTransform

from mmfewshot_seg.registry import TRANSFORMS, register
from mmfewshot_seg.structures.labels import IGNORED


@register(TRANSFORMS, host='mmseg')
class LoadEpisodeMask(BaseTransform):
    """Load labels 0 background, 1..N ways, 255 ignored from the source of the episode.

    Its place decides the resolution, see :class:`Episode`: before ``Resize`` the label is resized
    with the image (training, supports, tests at network resolution), at the end it keeps its
    original size (the other tests). Void of a support becomes background if the protocol says so.

    Required keys: ``img`` and ``ori_shape`` of ``LoadImageFromFile``, and those that
    :class:`FewShotDataset` gives.

    Added keys: ``gt_seg_map`` (H, W) uint8, ``seg_fields``.

    Raises:
        ValueError: If no image was loaded before, or image and mask differ in size.
    """

    def transform(self, results: dict) -> dict:
        """Add the label map to ``results``."""
        if 'ori_shape' not in results:
            raise ValueError("'mmfewshot_seg.LoadEpisodeMask' must stand after LoadImageFromFile")
        label = results['source'].label_map(results['image'], results['class_ids'])
        if label.shape != tuple(results['ori_shape']):
            raise ValueError(
                f'{results["img_path"]}: the image has the size {tuple(results["ori_shape"])}, its '
                f'mask {label.shape} (height, width); they must be equal'
            )
        if results['role'] == 'support' and results['support_void'] == 'background':
            label = label.copy()
            label[label == IGNORED] = 0
        results['gt_seg_map'] = label
        results['seg_fields'].append('gt_seg_map')
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
