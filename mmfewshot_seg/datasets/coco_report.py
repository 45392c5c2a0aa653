"""What is wrong with a COCO json, a line for every kind of fault."""

import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from mmfewshot_seg.datasets.sources.coco_faults import CocoFault, FaultKind
from mmfewshot_seg.datasets.sources.coco_json import find_faults, find_image_faults, read_lists


@dataclass(frozen=True)
class CocoReport:
    """Faults of a file.

    Attributes:
        path: The file.
        content: What is in it.
        faults: By kind.
    """

    path: str
    content: Mapping
    faults: Mapping[FaultKind, list[CocoFault]]

    @property
    def breaks(self) -> bool:
        """Whether a training or a test would stop, or its result be wrong."""
        return any(kind.breaks for kind in self.faults)

    def __str__(self) -> str:
        counts = ', '.join(f'{len(self.content[k])} {k}' for k in ('images', 'categories'))
        lines = [f'{self.path}: {counts}, {len(self.content["annotations"])} annotations']
        for kind, faults in self.faults.items():
            word = 'fault' if kind.breaks else 'note'
            lines.append(f'  {word}: {len(faults)} x {kind.name}, as {faults[0]}')
        return '\n'.join(lines if self.faults else [*lines, '  no faults'])

    def without_removable(self) -> dict:
        """The content without annotations whose fault is gone with them."""
        gone = {
            fault.entry[1]
            for kind, faults in self.faults.items()
            if kind.removable
            for fault in faults
            if fault.entry
        }
        annotations = enumerate(self.content['annotations'])
        kept = [annotation for number, annotation in annotations if number not in gone]
        return {**self.content, 'annotations': kept}


def report_coco(
    path: str | os.PathLike, img_dir: str | os.PathLike | None = None, masks: bool = True
) -> CocoReport:
    """Look for all faults of a file.

    Args:
        path: The json.
        img_dir: Folder of its images; None: the images are not looked at.
        masks: Whether objects need masks.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ValueError: If the file is no json, lacks a list, or names no images.
    """
    if img_dir is not None and not os.path.isdir(img_dir):
        raise FileNotFoundError(f'{img_dir} is no folder')
    content = read_lists(path)
    faults = defaultdict(list)
    for fault in find_faults(content, masks=masks):
        faults[fault.kind].append(fault)
    if img_dir is not None:
        for fault in find_image_faults(content, img_dir):
            faults[fault.kind].append(fault)
    return CocoReport(os.fspath(path), content, dict(faults))
