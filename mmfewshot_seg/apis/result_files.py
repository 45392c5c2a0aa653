"""Files of the predictions of a run."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.logging import print_log
from mmseg.structures import SegDataSample

from mmfewshot_seg.apis.fewshot_results import as_prediction, as_result, label_map
from mmfewshot_seg.apis.queries import Query
from mmfewshot_seg.files.whole_file import whole_file, write_whole
from mmfewshot_seg.results.area_table import AreaTable
from mmfewshot_seg.results.coco_file import CocoFile
from mmfewshot_seg.results.formats import FORMATS
from mmfewshot_seg.results.image_result import ImageResult
from mmfewshot_seg.results.labelme_file import (
    check_names,
    is_prediction,
    labelme_text,
    relative_path,
)
from mmfewshot_seg.results.result_log import ResultLog
from mmfewshot_seg.visualization.overlay import save_label_map


class ResultFiles:
    """Writes the predictions of a run, image by image, and at its end what is of all images.

    What is of all images is written when the ``with`` block ends, by an error too: then it is of
    the images that are done. Until then ``instances.jsonl`` has it, image by image.

    Args:
        out_dir: Folder for results; nothing is written if empty.
        formats: Some of ``FORMATS``.
        pred_out_dir: Folder in ``out_dir`` for label maps and scores.
        labelme_out_dir: Folder in ``out_dir`` for files of LabelMe. A file there that a person has
            made or corrected is left alone, and how many is logged.
        img_out_dir: Folder in ``out_dir`` for pictures, which others write; none if empty.
        save_scores: Whether to write scores.
        tolerance: Pixels by which polygons may be off, see :meth:`Instance.rings`.

    Raises:
        FileExistsError: If a file of all images is there, and of another program.
        ValueError: If there is no such format, or the tolerance is negative.
    """

    def __init__(
        self,
        out_dir: str | Path,
        formats: Sequence[str],
        pred_out_dir: str = 'pred',
        labelme_out_dir: str = 'labelme',
        img_out_dir: str = '',
        save_scores: bool = False,
        tolerance: float = 1,
    ) -> None:
        formats = [formats] if isinstance(formats, str) else list(formats)
        if unknown := [name for name in formats if name not in FORMATS]:
            raise ValueError(f'out_formats are some of {FORMATS}, not {unknown}')
        if not tolerance >= 0:
            raise ValueError(f'tolerance is a number of pixels from 0 on, got {tolerance}')
        if not out_dir:
            formats, save_scores = [], False
        self.folder = Path(out_dir)
        self.label_maps = 'png' in formats
        self.labelme = 'labelme' in formats
        self.pred_folder = self.folder / pred_out_dir
        self.labelme_folder = self.folder / labelme_out_dir
        self.picture_folder = self.folder / img_out_dir if out_dir and img_out_dir else None
        self.save_scores = save_scores
        self.tolerance = tolerance
        whole: dict[str, tuple[str, CocoFile | AreaTable]] = {
            'coco': ('coco.json', CocoFile()),
            'coco-polygons': ('coco_polygons.json', CocoFile(tolerance)),
            'csv': ('areas.csv', AreaTable()),
        }
        self.whole = dict(whole[name] for name in formats if name in whole)
        for name, content in self.whole.items():
            _check_ours(self.folder / name, content.HEAD)
        self.log = ResultLog(self.folder / 'instances.jsonl')
        self.left_alone = 0

    @property
    def needs_instances(self) -> bool:
        """Whether what is written has instances."""
        return bool(self.whole) or self.labelme

    def of_image(self, name: str) -> list[Path]:
        """Files that are written of an image of this name."""
        picture = [self.picture_folder / f'{name}.jpg'] if self.picture_folder else []
        files = {
            self.pred_folder / f'{name}.png': self.label_maps,
            self.pred_folder / f'{name}.npy': self.save_scores,
            self.labelme_folder / f'{name}.json': self.labelme,
        }
        return picture + [path for path, is_written in files.items() if is_written]

    def check_names(self, class_names: Sequence[str]) -> None:
        """Refuse classes that a format cannot name.

        Raises:
            ValueError: If there is one.
        """
        if self.labelme:
            check_names(class_names)

    def write(self, query: Query, sample: SegDataSample) -> None:
        """Write the files of a prediction.

        Args:
            query: What was segmented.
            sample: What was predicted, with ``instances`` if they are needed.
        """
        if self.label_maps or self.save_scores:
            self.pred_folder.mkdir(parents=True, exist_ok=True)
        if self.label_maps:
            save_label_map(self.pred_folder / f'{sample.name}.png', label_map(sample))
        if self.save_scores:
            with whole_file(self.pred_folder / f'{sample.name}.npy') as file:
                np.save(file, as_prediction(sample)['scores'])
        if self.needs_instances:
            result = as_result(sample)
            if self.whole:
                self.log.add(result)
            if self.labelme:
                self._write_labelme(result, query.image)

    def _write_whole(self) -> None:
        for result in self.log if self.whole else ():
            for content in self.whole.values():
                content.add(result)
        for name, content in self.whole.items():
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(self.folder / name, content.text())

    def _write_labelme(self, result: ImageResult, image: np.ndarray) -> None:
        path = self.labelme_folder / f'{result.name}.json'
        if path.exists() and not is_prediction(_read_json(path)):
            self.left_alone += 1
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if result.path:
            image_path, embedded = relative_path(result.path, path.parent), None
        else:
            image_path, embedded = f'{result.name}.png', image
        write_whole(path, labelme_text(result, image_path, embedded, self.tolerance))

    def __enter__(self) -> 'ResultFiles':
        return self

    def __exit__(self, error: type[BaseException] | None, *_) -> None:
        if self.log.is_begun or not error:  # without any result, files of an earlier run stay
            self._write_whole()
        if self.left_alone:
            print_log(
                f'{self.left_alone} files in {self.labelme_folder} were made or corrected by a '
                'person and are left as they are',
                'current',
                logging.WARNING,
            )


def _check_ours(path: Path, head: str) -> None:
    """Refuse to overwrite a file that begins unlike ours: somebody has made it."""
    if path.is_file():
        with open(path, 'rb') as file:
            if file.read(len(head)) != head.encode():
                raise FileExistsError(
                    f'{path} was not written by this package: move it, or name another out_dir'
                )


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError, RecursionError):  # nothing that this package writes
        return None
