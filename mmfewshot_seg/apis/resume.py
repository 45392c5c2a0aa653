"""Which checkpoint a training resumes from, in all its processes."""

import hashlib
import logging
import os
import re
import zipfile
from pathlib import Path

from mmengine.dist import all_gather_object, broadcast_object_list, get_rank, get_world_size
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmfewshot_seg.command import STARTED, UsageError
from mmfewshot_seg.files.whole_file import write_whole
from mmfewshot_seg.first_process import is_first_of_machine, while_others_wait


def resume_after_restart(resume: str | None, work_dir: str | Path) -> str | None:
    """What ``--resume`` asks for, or what a training that was restarted by itself continues from.

    Asks at the first start that the checkpoints of the work dir can only be those of this
    training. The count of restarts that torchrun gives does not tell the first start: a machine
    that comes back is not counted.

    Args:
        resume: None, ``'auto'`` or a checkpoint.
        work_dir: Where checkpoints are written.

    Raises:
        UsageError: At the first start, if a restart would find checkpoints of another training.
    """
    if STARTED not in os.environ:
        return resume
    if os.environ['RANK'] != '0':
        return None  # the first process decides, see share_checkpoint
    started = Path(os.environ[STARTED])
    if started.exists():
        print_log('Restarted after a failure', logger='current', level=logging.WARNING)
        return 'auto'
    cure = 'give --resume without a name to continue from it, or another --work-dir'
    if resume not in (None, 'auto'):
        raise UsageError(
            f'--resume {resume}: with restarts a training continues from the newest checkpoint of '
            f'its work dir: {cure}'
        )
    if resume is None and (last := newest_whole_checkpoint(work_dir)):
        raise UsageError(
            f'{work_dir} holds the checkpoint {Path(last).name} of another training, from which a '
            f'restart would continue: {cure}'
        )
    started.touch()
    return resume


def share_checkpoint(runner: Runner) -> None:
    """Let all processes continue from the checkpoint that the first one chose.

    Machines that do not see its file, or have another one by that name, are sent it.

    Args:
        runner: With its process group.
    """
    if get_world_size() == 1:
        return
    chosen = [(runner._resume, runner._load_from)]
    broadcast_object_list(chosen)
    runner._resume, runner._load_from = chosen[0]
    path = Path(runner._load_from or '')
    if not runner._resume or not any(all_gather_object(path.is_file())):
        return
    digests = all_gather_object(_digest(path))
    if len(set(digests)) == 1:
        return
    others = sum(digest != digests[0] for digest in digests)
    print_log(f'Sending {path} to {others} processes that do not see it', logger='current')
    content = [path.read_bytes() if get_rank() == 0 else b'']
    broadcast_object_list(content)

    def write() -> None:
        if _digest(path) != digests[0]:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, content[0])

    while_others_wait(write, is_first_of_machine())


def _digest(path: Path) -> str | None:
    """Of a file's content; None if there is no file."""
    if not path.is_file():
        return None
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(2**24):
            digest.update(block)
    return digest.hexdigest()


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
