"""Areas as a table, for spreadsheets and statistics."""

import csv
from io import StringIO

from mmfewshot_seg.results.image_result import ImageResult, file_names

COLUMNS = ('image', 'class', 'instance', 'area', 'share', 'x', 'y', 'width', 'height', 'score')


class AreaTable:
    """A row for each instance; of a class that an image does not show, a row of area 0.

    ``area``, ``x``, ``y``, ``width`` and ``height`` are in pixels, ``share`` is the part of the
    image that the instance covers. Instances of a class are numbered from 1 in each image.
    """

    HEAD = ','.join(COLUMNS)
    """How :meth:`text` begins."""

    def __init__(self) -> None:
        self._images: list[tuple[str, str | None]] = []
        self._rows: list[tuple[int, tuple]] = []  # with the number of the image

    def add(self, result: ImageResult) -> None:
        """Add an image."""
        height, width = result.size
        for class_name in result.class_names:
            found = [one for one in result.instances if one.class_name == class_name]
            rows: list[tuple] = [
                (n, one.area, f'{one.area / (height * width):.6f}', *one.box, f'{one.score:.4f}')
                for n, one in enumerate(found, start=1)
            ] or [(0, 0, 0, '', '', '', '', '')]
            self._rows += [(len(self._images), (class_name, *row)) for row in rows]
        self._images.append((result.name, result.path))

    def text(self) -> str:
        """Content of a CSV file with a head."""
        names, file = file_names(self._images), StringIO()
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(COLUMNS)
        writer.writerows((names[image], *row) for image, row in self._rows)
        return file.getvalue()
