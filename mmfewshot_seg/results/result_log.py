"""Results of a run in a file that grows by a line for each image, as long as it runs."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from mmfewshot_seg.files.whole_file import write_whole
from mmfewshot_seg.results.image_result import ImageResult
from mmfewshot_seg.results.instances import Instance


class ResultLog:
    """Results as JSON lines. A run that is killed loses no more than the line it was writing.

    Args:
        path: The file; its folder is made when there is something to write. What an earlier run has
            left in it does not count, see :meth:`resume`.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.is_begun = False

    def resume(self) -> None:
        """Let what is in the file count, instead of beginning it anew with the first result."""
        self.is_begun = self.path.exists()

    def add(self, result: ImageResult) -> None:
        """Add an image."""
        if not self.is_begun:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, '')
            self.is_begun = True
        content = dict(vars(result), instances=list(map(_as_plain, result.instances)))
        with open(self.path, 'a', encoding='utf-8') as file:
            file.write('\n' + json.dumps(content))  # first, for the line before may be torn

    def __iter__(self) -> Iterator[ImageResult]:
        """All images; of one that was added more than once the last result."""
        if not self.is_begun:
            return
        lines = self.path.read_text('utf-8').split('\n')
        contents = list(filter(None, map(_read, lines)))
        last = {content['name']: number for number, content in enumerate(contents)}
        for number, content in enumerate(contents):
            if last[content['name']] == number:
                instances = [Instance(**one) for one in content['instances']]
                yield ImageResult(**dict(content, instances=instances))


def _as_plain(instance: Instance) -> dict:
    counts = instance.code['counts'].decode()
    return dict(asdict(instance), code=dict(instance.code, counts=counts))


def _read(line: str) -> dict | None:
    """Content of a line; None of one that a killed run was writing."""
    try:
        return json.loads(line)
    except ValueError:
        return None
