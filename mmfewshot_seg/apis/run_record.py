"""What a run into a folder was asked for, and which images it has done, so that it can go on."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from mmengine.logging import print_log

from mmfewshot_seg.apis.queries import NamedImage
from mmfewshot_seg.files.whole_file import write_whole

NAME = 'run.jsonl'


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
        self.done: set[tuple[str, str]] = set()
        if resume and self.path.exists():
            self.done = self._read(settings)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = [dict(settings), *map(list, sorted(self.done))]
        write_whole(self.path, ''.join(json.dumps(line) + '\n' for line in lines))

    def add(self, name: str, image: str | None) -> None:
        """Record that an image is done.

        Args:
            name: Name of its results.
            image: Its file; what has none is not recorded.
        """
        if image is not None:
            with open(self.path, 'a', encoding='utf-8') as file:
                file.write(json.dumps([name, image]) + '\n')

    def _read(self, settings: Mapping) -> set[tuple[str, str]]:
        first, *lines = self.path.read_text('utf-8').split('\n')
        try:
            before = dict(json.loads(first))
            done = {(str(name), str(image)) for name, image in map(json.loads, lines[:-1])}
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


def undone(
    images: Iterable[NamedImage], record: RunRecord | None, picture_dir: str
) -> list[NamedImage]:
    """Images that a run has not done yet, or whose picture is gone; how many it has is logged.

    Args:
        images: All images of the run.
        record: What was done; None if nothing is written.
        picture_dir: Folder of the pictures; empty if there are none.

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
        if (image.name, image.path) not in record.done
        or (picture_dir and not Path(picture_dir, f'{image.name}.jpg').exists())
    ]
    done = len(images) - len(left)
    print_log(f'{done} of {len(images)} images are done already', 'current')
    return left
