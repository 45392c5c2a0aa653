"""The envelope of all command-line tools: what an error prints, and the exit status.

A mistake of the user is told in one line, status 2. Anything else is a fault of the code: a line
with the place it was raised at, status 1, and the whole traceback in a file. ``--traceback``, or
the environment variable ``MMFEWSHOT_SEG_TRACEBACK=1``, shows the traceback on the screen as well.

Nothing here imports torch or a host, and the file can be read by old Pythons, so that a tool says
what is missing wherever it is started.
"""

from __future__ import annotations

import argparse
import builtins
import gc
import logging
import os
import re
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, NoReturn

PACKAGE = Path(__file__).resolve().parent
TRACEBACK = 'MMFEWSHOT_SEG_TRACEBACK'
FIRST_ERROR = 'MMFEWSHOT_SEG_FIRST_ERROR'
"""Environment variable, set by ``tools/launch.py``: the file that the rank which speaks makes, with
the number of the restart behind its name."""
STARTED = 'MMFEWSHOT_SEG_STARTED'
"""Environment variable, set by ``tools/launch.py`` where a training may be restarted: the file that
its first process makes when it starts for the first time."""

USAGE, FAULT, INTERRUPTED = 2, 1, 130
HOSTS = ('torch', 'torchvision', 'mmengine', 'mmcv', 'mmdet', 'mmseg')
HOSTS += ('numpy', 'cv2', 'packaging', 'mmfewshot_seg')
CODING_ERRORS = ('NotImplementedError', 'AttributeError', 'AssertionError', 'IndexError')
CALL_ERROR = re.compile('unexpected keyword argument|required .*argument|multiple values for')
WORKER_ERROR = re.compile(r'^Caught \w+ in .*\nOriginal Traceback', re.MULTILINE)
FRAME = re.compile(r'^  File "(.+)", line (\d+), in .+\n(?:    (.+)\n)?', re.MULTILINE)
CURES = {
    'CUDA out of memory|OutOfMemoryError': (
        "the GPU's memory is full: train with a smaller train_dataloader.batch_size or crop, test "
        'with smaller images'
    ),
    "MemoryError|can't allocate memory|not enough memory": (
        'the memory of this machine is full: smaller images, or a smaller batch_size or num_workers'
    ),
    'DataLoader worker .*(killed|exited unexpectedly)': (
        'a data loader worker was killed, mostly for lack of memory or of /dev/shm: set '
        'num_workers of the data loader to 1, or to 0 to see an error of its own'
    ),
    'Expected more than 1 value per channel': (
        'batch normalization cannot train on one value per channel: set '
        'train_dataloader.batch_size=2 or more, or a norm_cfg without batches, as GN'
    ),
    'Target -?[0-9]+ is out of bounds|device-side assert': (
        'labels hold a value that is no class of the model, most likely: num_classes counts them, '
        '255 is ignored; tools/browse_dataset.py shows values without a class'
    ),
    'failed to load image|cannot identify image|image file is truncated|broken data stream': (
        'an image or a label file is damaged, replace or remove it'
    ),
    '/gloo/.*([Cc]onnect|[Ss]ocket|[Tt]imed out)|ncclRemoteError|remote process exit': (
        'another process of this run has ended, or its machine: look for its message there'
    ),
    'No space left|Disk quota|PytorchStreamWriter failed|file write failed': (
        'the disk is full: free some space, or write elsewhere with --work-dir or --out-dir'
    ),
}
"""What the user can do about errors of PyTorch and the system, by a pattern of their text."""


class UsageError(Exception):
    """A mistake of the user; the message names the cure."""


class ToolParser(argparse.ArgumentParser):
    """Parser of a tool, with ``--traceback``, which leaves nothing in the parsed arguments."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.add_argument(
            '--traceback',
            action=_ShowTraceback,
            nargs=0,
            dest=argparse.SUPPRESS,
            help='show where an error comes from, whole',
        )


class _ShowTraceback(argparse.Action):
    def __call__(self, *args) -> None:
        os.environ[TRACEBACK] = '1'  # tools that this one starts shall show theirs too


class Raised(NamedTuple):
    """An error and the place it was raised at; of a data loader worker, the place in the worker.

    Attributes:
        kind: Name of its class.
        message: Its text.
        frames: File, line and source of each call, the last is where it was raised.
    """

    kind: str
    message: str
    frames: list[tuple[str, int, str]]

    @classmethod
    def of(cls, error: BaseException) -> Raised:
        """Read an exception that was caught."""
        message = str(error)
        if isinstance(error, KeyError) and error.args:  # its text would be quoted
            message = str(error.args[0])
        if WORKER_ERROR.search(message):
            return cls._of_text(message)
        frames = [
            (frame.filename, frame.lineno or 0, frame.line or '')
            for frame in traceback.extract_tb(error.__traceback__)
        ]
        cause = error.__context__
        if frames and frames[-1][0].endswith('build_functions.py') and type(cause) is type(error):
            # OpenMMLab's registry raises errors of constructors again, with the class in the text.
            return cls(type(error).__name__, message, cls.of(cause).frames)
        return cls(type(error).__name__, message, frames)

    @classmethod
    def _of_text(cls, text: str) -> Raised:
        """Read the printed traceback that a worker hands over."""
        matches = list(FRAME.finditer(text))
        frames = [(match[1], int(match[2]), match[3] or '') for match in matches]
        rest = text[matches[-1].end() :] if matches else text
        rest = re.sub(r'\A(\s+.*\n)+', '', rest)  # carets below the last line
        kind, _, message = rest.strip().partition(': ')
        return cls(kind.rpartition('.')[2], message.strip('"\''), frames)

    def is_of(self, base: type) -> bool:
        """Whether it is of a built-in class of errors, such as ``OSError``."""
        kind = getattr(builtins, self.kind, None)
        return isinstance(kind, type) and issubclass(kind, base)

    def is_stated_in(self, folder: str) -> bool:
        """Whether a ``raise`` of a file of ``folder`` made it, instead of a call gone wrong."""
        if not self.frames:
            return False
        file, _, source = self.frames[-1]
        return f'{folder}{os.sep}' in file and source.startswith('raise')

    def place(self) -> str:
        """``file:line`` where it was raised; and from which own file, if that is a library's."""
        if not self.frames:
            return ''
        last = self.frames[-1]
        own = [frame for frame in self.frames if 'site-packages' not in frame[0]]
        place = f'{_short(last[0])}:{last[1]}'
        if own and own[-1] is not last:
            place += f', called from {_short(own[-1][0])}:{own[-1][1]}'
        return place


class Told(NamedTuple):
    """What is told of an error."""

    status: int
    text: str


def describe(error: BaseException) -> Told:
    """What a tool that ended in an exception prints, and its exit status."""
    if _is_interrupt(error):
        return Told(INTERRUPTED, 'interrupted')
    raised = Raised.of(error)
    if isinstance(error, UsageError) or raised.kind == 'UsageError':
        return Told(USAGE, raised.message)
    if isinstance(error, ModuleNotFoundError) and _root(error.name) in HOSTS:
        return Told(USAGE, _not_activated(error))
    if raised.kind not in CODING_ERRORS and raised.is_stated_in(str(PACKAGE)):
        return Told(USAGE, raised.message)
    if raised.is_stated_in('mmengine'):  # registries and the runner, about the config
        return Told(USAGE, f'{raised.kind}: {raised.message}')
    first = next(iter(raised.message.splitlines()), '') or raised.frames[-1][2]
    text = f'{raised.kind}: {first} ({raised.place()})'
    for pattern, cure in CURES.items():
        if re.search(pattern, text):
            return Told(USAGE, f'{cure}. {text}')
    built = any(file.endswith('build_functions.py') for file, _, _ in raised.frames)
    wrong_key = built and raised.kind == 'TypeError' and CALL_ERROR.search(raised.message)
    system = isinstance(error, OSError) or raised.is_of(OSError)
    return Told(USAGE if wrong_key or system else FAULT, text)


def _is_interrupt(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind an error: hosts catch it and raise other ones."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


def _root(module: str | None) -> str:
    return (module or '').partition('.')[0]


def _not_activated(error: ModuleNotFoundError) -> str:
    text = f'{sys.executable} has no module {error.name!r}. '
    python = PACKAGE.parent / '.venv' / 'bin' / 'python'
    if python.exists() and Path(sys.prefix).resolve() != python.parents[1].resolve():
        return (
            f'{text}Activate the environment, `. {_short(python.with_name("activate"))}`, or call '
            f'`{_short(python)} {sys.argv[0]} ...`'
        )
    return f'{text}Activate the environment this package is in, or make one: `make demo` in a clone'


def _short(path: str | Path) -> str:
    """A path as seen from here, where it is below."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


class _Tracebacks:
    """Where tracebacks of this process go: a folder once there is one, else a temporary file."""

    folder: Path | None = None

    @classmethod
    def write(cls, error: BaseException, tool: str, needed: bool) -> str | None:
        """Write a traceback.

        Args:
            error: What was caught.
            tool: Name of the tool.
            needed: Whether to write a temporary file where there is no folder.

        Returns:
            The file's path; None if there is none.
        """
        text = ''.join(traceback.format_exception(type(error), error, error.__traceback__))
        try:
            if cls.folder is not None and cls.folder.is_dir():
                path = cls.folder / 'traceback.txt'
                path.write_text(text, 'utf-8')
            elif needed:
                number, name = tempfile.mkstemp('.txt', f'{_root(tool)}_traceback_')
                with open(number, 'w', encoding='utf-8') as file:
                    file.write(text)
                path = Path(name)
            else:
                return None
        except OSError:  # a full disk may be what is being told
            return None
        return _short(path)


def keep_tracebacks(folder: str | Path) -> None:
    """Have the traceback of an error that ends this process written into a folder of a run."""
    _Tracebacks.folder = Path(folder)


def tell(error: BaseException) -> int:
    """Print what is to be told of an error.

    Returns:
        The exit status.
    """
    status, text = describe(error)
    if not _may_speak():
        return status
    tool = Path(sys.argv[0]).stem
    if os.environ.get(TRACEBACK):
        traceback.print_exception(type(error), error, error.__traceback__)
    elif status != INTERRUPTED:
        path = _Tracebacks.write(error, tool, needed=status == FAULT)
        if path:
            text += f'\nThe whole traceback: {path}'
    rank = os.environ.get('RANK')
    speaker = tool if rank is None or FIRST_ERROR in os.environ else f'{tool} (rank {rank})'
    print(f'{speaker}: {text}', file=sys.stderr, flush=True)
    return status


def _may_speak() -> bool:
    """Of processes launched together the first that fails speaks, the others are quiet."""
    if FIRST_ERROR not in os.environ:
        return True
    attempt = os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')
    try:
        os.close(os.open(f'{os.environ[FIRST_ERROR]}{attempt}', os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    except OSError:
        pass
    return True


@contextmanager
def heavy_imports() -> Iterator[None]:
    """Import hosts in two thirds of the time, in a tool: it ends the process by :func:`run_tool`.

    Thousands of modules come in and stay. The collector of cyclic garbage would look through them
    dozens of times meanwhile, again whenever it runs later, and once more when the process ends.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def run_tool(main: Callable[[], int | None]) -> NoReturn:
    """Run the ``main`` of a tool; ends the process.

    Args:
        main: Parses the command line and works; returns the exit status, None for 0.
    """
    with _quiet_children() as interrupted:
        try:
            if sys.version_info < (3, 10):  # noqa: UP036, pip may not have been asked
                raise UsageError(
                    'Python 3.10 or newer is needed, this is {}.{} at {}'.format(
                        *sys.version_info[:2], sys.executable
                    )
                )
            status = main() or 0
        except SystemExit:
            raise
        except BrokenPipeError:  # the reader of a pipe has left, as `head` does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            status = 128 + signal.SIGPIPE
        except BaseException as error:
            status = tell(KeyboardInterrupt() if interrupted else error)
    if 'RANK' in os.environ:
        # Threads of gloo may abort a process that shuts down in order.
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    gc.collect()  # finalizers of garbage run
    gc.freeze()  # the system frees the rest at once
    sys.exit(status)


@contextmanager
def _quiet_children() -> Iterator[list[int]]:
    """Let Ctrl-C end this process alone; forked workers, which it ends, would all print theirs.

    Yields:
        A list that is empty until Ctrl-C was pressed.
    """
    owner, pressed = os.getpid(), []

    def interrupt(number: int, frame: object) -> None:
        if os.getpid() == owner:
            pressed.append(number)
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield pressed
    finally:
        # The message is out; who presses it again does not want to wait for the workers.
        signal.signal(signal.SIGINT, signal.SIG_DFL if pressed else before)
