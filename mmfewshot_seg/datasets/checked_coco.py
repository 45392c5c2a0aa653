"""COCO-format data of one's own: checked before it is used, labels told by name."""

import logging
import os
from collections.abc import Sequence

from mmdet.datasets import CocoDataset
from mmdet.datasets.api_wrappers import COCO
from mmengine.logging import print_log

from mmfewshot_seg.classes.zeroshot_splits import category_ids, plain_name
from mmfewshot_seg.datasets.sources.coco_json import (
    find_image_faults,
    read_coco_json,
    refuse_first,
)
from mmfewshot_seg.registry import DATASETS, register


class CheckedCOCO(COCO):
    """pycocotools' index of a file without faults; categories are found name by name.

    Left to itself, pycocotools gives them in the order of the file. An annotation that does not
    tell whether it is a crowd is none.

    Args:
        path: The json.
        masks: Whether objects need masks.
        file_names: Whether images need them.

    Raises:
        ValueError: See `coco_json.read_coco_json`.
    """

    def __init__(self, path: str, masks: bool = True, file_names: bool = True) -> None:
        super().__init__()
        self.path = path
        self.dataset = read_coco_json(path, detection=True, masks=masks, file_names=file_names)
        for annotation in self.dataset['annotations']:
            annotation['iscrowd'] = int(annotation.get('iscrowd') or 0)
        self.createIndex()
        self.img_ann_map, self.cat_img_map = self.imgToAnns, self.catToImgs

    def get_cat_ids(self, cat_names: Sequence[str] = (), **kwargs) -> list[int]:
        """Ids of categories in the order of their names, compared by `plain_name`.

        Raises:
            ValueError: If a name is no category.
        """
        try:
            return category_ids(self.dataset['categories'], cat_names)
        except ValueError as error:
            raise ValueError(f'{self.path}: {error}') from error

    def loadRes(self, resFile: list[dict]) -> COCO:  # noqa: N802,N803
        """Detections, of which there may be none."""
        return super().loadRes(resFile) if resFile else load_results(self, [])


def load_results(coco: COCO, detections: list[dict]) -> COCO:
    """Detections as pycocotools loads them; it fails where there are none.

    Args:
        coco: Annotations.
        detections: Entries of a COCO file of results.
    """
    if detections:
        return coco.loadRes(detections)
    nothing = COCO()
    nothing.dataset = {**coco.dataset, 'annotations': []}
    nothing.createIndex()
    return nothing


@register(DATASETS, host='mmdet')
class CheckedCocoDataset(CocoDataset):
    """``mmdet.CocoDataset`` that refuses broken annotations, and whose labels go by name.

    Labels are those of ``metainfo['classes']``, whatever the order of the categories in the file.
    ``tools/check_coco.py`` tells all faults of a file.

    Args:
        metainfo: See ``mmdet.CocoDataset``; ``classes`` is a list of names.
        check_images: Whether images are looked for, and their sizes compared with those of the
            json, at the start.
        **kwargs: Further options of ``mmdet.CocoDataset``.

    Raises:
        ValueError: If the file has a fault, or a class is no category of it.
    """

    def __init__(
        self, *args, metainfo: dict | None = None, check_images: bool = True, **kwargs
    ) -> None:
        metainfo = metainfo or {}
        if isinstance(metainfo.get('classes'), str):
            raise ValueError(
                f'metainfo: classes={metainfo["classes"]!r} is a string, expected a list of names; '
                "of one class it is ('name',), with a comma"
            )
        self.check_images = check_images
        super().__init__(*args, metainfo={**metainfo, 'labels_by_name': True}, **kwargs)

    def COCOAPI(self, path: str) -> CheckedCOCO:  # noqa: N802
        """Read and check the annotations; the host calls what it expects to be a class."""
        loaders = [t for t in self.pipeline.transforms if getattr(t, 'with_mask', False)]
        coco = CheckedCOCO(path, masks=bool(loaders))
        if self.check_images:
            faults = find_image_faults(coco.dataset, self.data_prefix['img'])
            refuse_first(self.ann_file, faults)
        self._tell_what_is_left_out(coco, any(not loader.poly2mask for loader in loaders))
        return coco

    def _tell_what_is_left_out(self, coco: CheckedCOCO, polygons_only: bool) -> None:
        wanted = set(map(plain_name, self.metainfo['classes']))
        ids = {c['id'] for c in coco.dataset['categories'] if plain_name(c['name']) in wanted}
        annotations = coco.dataset['annotations']
        if others := sum(a['category_id'] not in ids for a in annotations):
            names = [c['name'] for c in coco.dataset['categories'] if c['id'] not in ids]
            self._log(f'{others} objects of other categories are left out: {", ".join(names)}')
        if not polygons_only:
            return
        codes = sum(isinstance(a['segmentation'], dict) and not a['iscrowd'] for a in annotations)
        if codes:
            self._log(
                f'{codes} of {len(annotations)} objects are run-length codes, which '
                'LoadAnnotations with poly2mask=False leaves out: set poly2mask=True'
            )

    def _log(self, text: str) -> None:
        print_log(f'{os.fspath(self.ann_file)}: {text}', 'current', logging.WARNING)
