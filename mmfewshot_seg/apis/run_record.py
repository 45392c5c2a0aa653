"""What a run into a folder was asked for, and which images it has done, so that it can go on."""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from mmengine.logging import print_log

from mmfewshot_seg.apis.queries import NamedImage
from mmfewshot_seg.files.whole_file import write_whole

NAME = 'run.jsonl'
Image = tuple[str, int, int]  # path, bytes, and nanoseconds of the last change


class RunRecord:
    """A file beside results: a line for what decides them, then one for each image that is done.

    A line is added when all files of an image are written, so a killed run loses no more than the
    images it was at.

    Args:
        folder: Folder of the results; it is made.
        settings: What decides the results, as JSON takes it.
        resume: Whether to go on with the run that is recorded there; else it is forgotten.

    Raises:
        ValueError: If the run to go on with had other settings, or its record cannot be read.
    """

    def __init__(self, folder: str | Path, settings: Mapping, resume: bool = False) -> None:
        self.path = Path(folder, NAME)
        self.done: dict[str, Image] = {}
        if resume and self.path.exists():
            self.done = self._read(settings)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = [dict(settings), *([name, *image] for name, image in sorted(self.done.items()))]
        write_whole(self.path, ''.join(json.dumps(line) + '\n' for line in lines))

    def add(self, name: str, image: str | None) -> None:
        """Record that an image is done.

        Args:
            name: Name of its results.
            image: Its file; what has none is not recorded.
        """
        if image is not None:
            with open(self.path, 'a', encoding='utf-8') as file:
                file.write(json.dumps([name, *_as_it_is(image)]) + '\n')

    def has(self, image: NamedImage) -> bool:
        """Whether an image is done, and its file is what it was then."""
        return image.path is not None and self.done.get(image.name) == _as_it_is(image.path)

    def _read(self, settings: Mapping) -> dict[str, Image]:
        first, *lines = self.path.read_text('utf-8').split('\n')
        try:
            before = dict(json.loads(first))
            done = {  # of images of one name the last, whose files are there
                str(name): (str(image), int(size), int(time))
                for name, image, size, time in map(json.loads, lines[:-1])
            }
        except (ValueError, TypeError) as error:
            raise ValueError(
                f'{self.path} is damaged ({error}): start anew, without resume'
            ) from None
        ours = json.loads(json.dumps(dict(settings)))
        unlike = [key for key in before | ours if before.get(key) != ours.get(key)]
        if unlike:
            told = ', '.join(f'{key} {before.get(key)!r}, not {ours.get(key)!r}' for key in unlike)
            raise ValueError(
                f'the run in {self.path.parent} was another one: it had {told}. Ask for the same, '
                'write elsewhere, or start anew, without resume'
            )
        return done


def _as_it_is(path: str) -> Image:
    """The path of a file, its size and the time of its last change."""
    try:
        stat = os.stat(path)
    except OSError:  # whoever reads it will say it
        return path, -1, -1
    return path, stat.st_size, stat.st_mtime_ns


def undone(
    images: Iterable[NamedImage],
    record: RunRecord | None,
    files_of: Callable[[str], Iterable[Path]] = lambda name: (),
) -> list[NamedImage]:
    """Images that a run has not done yet; how many it has is logged.

    Those that have changed since, or of which a result is gone, are done anew.

    Args:
        images: All images of the run.
        record: What was done; None if nothing is written.
        files_of: Files of the results of an image, by its name.

    Raises:
        ValueError: If results or images have no files.
    """
    if record is None:
        raise ValueError('resume goes on with a run into a folder: give out_dir')
    images = list(images)
    if any(image.path is None for image in images):
        raise ValueError('resume is for files of images; frames and arrays are segmented anew')
    left = [
        image
        for image in images
        if not record.has(image) or not all(path.exists() for path in files_of(image.name))
    ]
    done = len(images) - len(left)
    print_log(f'{done} of {len(images)} images are done already', 'current')
    return left
