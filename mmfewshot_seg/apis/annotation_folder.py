"""A folder of photographs that is annotated step by step: marked by hand, predicted, corrected."""

from dataclasses import dataclass
from pathlib import Path

from mmfewshot_seg.annotations.labelme import load_labelme, read_labelme
from mmfewshot_seg.datasets.sources.image_files import IMAGE_SUFFIXES
from mmfewshot_seg.results.labelme_file import is_prediction


@dataclass(frozen=True)
class AnnotationFolder:
    """Images of a folder, by what the file of LabelMe beside each says.

    Attributes:
        marked: Image, file and class of what a person has marked, class by class in the order of
            their names.
        negatives: Images in which a person has marked nothing.
        others: Images without a file, or with a prediction that nobody has changed.
    """

    marked: list[tuple[Path, Path, str]]
    negatives: list[Path]
    others: list[Path]


def read_annotation_folder(folder: str | Path) -> AnnotationFolder:
    """Look through the files of LabelMe beside the images of a folder.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it holds no images, two images share a file, or a file is none of LabelMe's.
    """
    marked, negatives, others = [], [], []
    for image in _images(Path(folder)):
        mask = image.with_suffix('.json')
        if not mask.exists() or is_prediction(load_labelme(mask)):
            others.append(image)
            continue
        names = read_labelme(mask).class_names
        marked += [(image, mask, name) for name in names]
        if not names:
            negatives.append(image)
    return AnnotationFolder(sorted(marked, key=lambda one: one[2]), negatives, others)


def _images(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise FileNotFoundError(f'{folder} is no folder')
    images = [
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith('.')
    ]
    if not images:
        raise ValueError(f'{folder} holds no images; expected {", ".join(IMAGE_SUFFIXES)}')
    stems: dict[str, Path] = {}
    for image in images:
        if image.stem in stems:
            raise ValueError(
                f'{stems[image.stem]} and {image.name} would share {image.stem}.json: give one of '
                'them another name'
            )
        stems[image.stem] = image
    return images
