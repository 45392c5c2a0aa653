"""What can be wrong with a json in COCO's instance format, kind by kind."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FaultKind:
    """A kind of fault.

    Attributes:
        name: A few words.
        cure: What to do about it.
        breaks: Whether it stops a training or a test, or makes its result wrong.
        removable: Whether all is well without the annotation that has it.
    """

    name: str
    cure: str
    breaks: bool = True
    removable: bool = False


FIELD = FaultKind('missing or odd field', "write it as in COCO's instance format")
TWICE = FaultKind('entry that is there twice', 'rename or remove one of them')
MIXED_IDS = FaultKind('ids of two types', 'write all of them as integers')
ID_ZERO = FaultKind(
    'annotation of id 0', "number annotations from 1: COCO's evaluation takes 0 for 'not found'"
)
REFERENCE = FaultKind(
    'annotation of an unknown image or category', 'add the image or category, or correct the id'
)
NO_MASK = FaultKind(
    'annotation without a mask',
    'boxes alone are not enough for masks: add polygons or a run-length code, or leave these '
    'annotations out: python tools/check_coco.py JSON --write CLEAN_JSON',
    removable=True,
)
BAD_POLYGON = FaultKind(
    'broken polygon', 'a segmentation is a list of polygons, [[x1, y1, x2, y2, ...], ...]'
)
BAD_RUN_LENGTHS = FaultKind(
    'broken run-length code',
    'write size=[height, width] of the image and counts that add up to its pixels, as '
    'pycocotools.mask.encode does',
)
NO_AREA = FaultKind(
    'box of less than a pixel, or outside its image',
    'MMDetection leaves it out of trainings without a word',
    breaks=False,
    removable=True,
)
CORNERS = FaultKind(
    'box of two corners', 'bbox is [x, y, width, height]: subtract the first corner from the second'
)
BEYOND = FaultKind(
    'box that reaches beyond its image',
    'bbox is [x, y, width, height], not two corners; MMDetection cuts it off at the border',
    breaks=False,
)
SHARES = FaultKind(
    'coordinates that are shares of the image',
    'write them in pixels: multiply x by the width and y by the height',
)
NO_IMAGE = FaultKind('missing image', 'correct the folder of the images or file_name')
UNREADABLE = FaultKind('image that cannot be read', 'replace the file')
SIZE = FaultKind(
    'image of another size than stated',
    'correct height and width in the json (often they are swapped); objects are in pixels of the '
    'file, turned as its EXIF orientation says',
)


class CocoFault(ValueError):
    """A fault; the message names the entry and the cure.

    Attributes:
        kind: Kind of the fault.
        entry: The list and the position in it, ``('annotations', 3)``, of a fault that is one
            entry's.
    """

    def __init__(self, kind: FaultKind, text: str, entry: tuple[str, int] | None = None) -> None:
        super().__init__(text)
        self.kind, self.entry = kind, entry

    def __str__(self) -> str:
        return f'{self.args[0]}; {self.kind.cure}'
