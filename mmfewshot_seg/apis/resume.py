"""Which checkpoint a training resumes from."""

import logging
import re
import zipfile
from pathlib import Path

from mmengine.logging import print_log

from mmfewshot_seg.command import UsageError


def newest_whole_checkpoint(work_dir: str | Path) -> str | None:
    """The checkpoint that a work dir says is the last, or the newest one that is whole.

    Newest by number, among ``iter_<number>.pth`` and the like beside the last. Logs which ones are
    not whole: written in place by a process that was killed.

    Returns:
        Path of the checkpoint, a file or a folder; None if there has been none.

    Raises:
        UsageError: If there have been some, and none is whole.
    """
    note = Path(work_dir, 'last_checkpoint')
    last = note.read_text().strip() if note.is_file() else ''
    candidates = [Path(last)] if last else []
    folder = Path(last).parent if last and Path(last).parent.is_dir() else Path(work_dir)
    candidates += sorted(_numbered(folder) - {*candidates}, key=_number, reverse=True)
    broken = []
    for path in candidates:
        if path.is_dir() or zipfile.is_zipfile(path):  # DeepSpeed writes folders
            break
        broken.append(str(path))
    else:
        if not broken:
            return None
        raise UsageError(
            f'checkpoint {", ".join(broken)} does not exist or is cut off, and {folder} has no '
            'other: leave out --resume to start from the beginning'
        )
    if broken:
        message = f'{", ".join(broken)}: cut off or missing; resuming from {path}'
        print_log(message, logger='current', level=logging.WARNING)
    return str(path)


def _numbered(folder: Path) -> set[Path]:
    """Checkpoints that hold all of a training; best ones and published ones do not."""
    return {path for path in folder.glob('*.pth') if re.fullmatch(r'(?!best_)\D+\d+', path.stem)}


def _number(path: Path) -> int:
    return int(re.findall(r'\d+$', path.stem)[0])
