"""What tools print and return when they end in an error."""

import gc
import inspect
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mmengine.registry import Registry

from mmfewshot_seg import command
from mmfewshot_seg.command import ToolParser, UsageError, describe, run_tool
from mmfewshot_seg.files.tensor_file import load_tensors

ROOT = Path(__file__).parents[1]
PARTS = Registry('parts', scope='mmfewshot_seg', locations=['mmfewshot_seg'])


@PARTS.register_module()
class Part:
    def __init__(self, size: int) -> None:
        self.size = size
        if size < 0:
            raise ValueError(f'size={size}, expected at least 0')
        self.table = {0: 'none'}[size]


LINE = inspect.getsourcelines(Part)[1] + 6  # of the look-up


def _caught(function, *args, **kwargs) -> BaseException:
    try:
        function(*args, **kwargs)
    except BaseException as error:
        return error
    raise AssertionError('nothing was raised')


@pytest.fixture(autouse=True)
def state(monkeypatch, tmp_path):
    monkeypatch.setenv(command.TRACEBACK, '')  # and taken back, whatever the parser sets
    monkeypatch.setattr(command._Tracebacks, 'folder', None)
    monkeypatch.setattr(sys, 'argv', ['tools/train.py'])
    monkeypatch.setattr(command.tempfile, 'tempdir', str(tmp_path))


def test_mistakes_of_the_user_are_told_without_a_place(tmp_path) -> None:
    def usage() -> None:
        raise UsageError('give one')

    (tmp_path / 'x.pth').write_text('no checkpoint')
    assert describe(_caught(usage)) == (2, 'give one')
    status, text = describe(_caught(load_tensors, tmp_path / 'x.pth'))
    assert status == 2
    assert 'x.pth' in text
    assert '.py:' not in text


def test_errors_of_the_system_are_mistakes_of_the_user() -> None:
    status, text = describe(_caught(Path('nosuch/file').read_text))
    assert (status, "No such file or directory: 'nosuch/file' (" in text) == (2, True)


@pytest.mark.parametrize(
    ('cfg', 'status', 'message'),
    [
        (dict(type='Prat', size=0), 2, 'KeyError: Prat is not in the mmfewshot_seg::parts reg'),
        (dict(type='Part', height=0), 2, "unexpected keyword argument 'height'"),
        (dict(type='Part'), 2, "missing 1 required positional argument: 'size'"),
        (dict(type='Part', size=1), 1, f'KeyError: 1 ({Path(__file__).name}:{LINE})'),
        (dict(type='Part', size=-1), 1, 'ValueError: size=-1, expected at least 0 ('),
        (dict(type='Part', size='1'), 1, 'TypeError: '),
    ],
)
def test_a_config_is_told_from_a_bug_in_what_it_names(cfg, status, message, monkeypatch) -> None:
    monkeypatch.chdir(Path(__file__).parent)
    told = describe(_caught(PARTS.build, cfg))
    assert told.status == status
    assert message in told.text
    if status == 1:
        assert f'({Path(__file__).name}:' in told.text


def test_the_place_in_a_worker_is_told() -> None:
    from torch._utils import ExceptionWrapper

    def of_worker(function, *args) -> BaseException:
        error = _caught(function, *args)
        info = (type(error), error, error.__traceback__)
        return _caught(ExceptionWrapper(info, 'in DataLoader worker process 0').reraise)

    status, text = describe(of_worker(load_tensors, ROOT / 'README.md'))
    assert (status, 'README.md' in text, 'Traceback' in text) == (2, True, False)
    status, text = describe(of_worker(Part, 1))
    assert (status, text.startswith('KeyError: 1 (')) == (1, True)
    assert f'test_command.py:{LINE}' in text
    assert describe(of_worker(Path('nosuch').read_text)).status == 2


@pytest.mark.parametrize(
    ('error', 'message'),
    [
        (RuntimeError('CUDA out of memory. Tried to allocate 2 GiB'), 'batch_size'),
        (MemoryError(), 'the memory of this machine is full'),
        (RuntimeError('DataLoader worker (pid 7) is killed by signal: Killed.'), 'num_workers'),
        (ValueError('Expected more than 1 value per channel when training'), 'batch_size=2'),
        (OSError(28, 'No space left on device'), 'the disk is full'),
    ],
)
def test_known_causes_are_told_with_a_cure(error, message) -> None:
    def fail() -> None:
        raise error

    status, text = describe(_caught(fail))
    assert (status, message in text) == (2, True)


def test_an_assertion_without_text_shows_itself() -> None:
    def check() -> None:
        assert sys.argv is None

    status, text = describe(_caught(exec, compile('assert 1 > 2', __file__, 'exec'), {}))
    assert status == 1
    status, text = describe(_caught(check))
    assert (status, 'AssertionError: ' in text) == (1, True)


def test_missing_hosts_are_told_with_the_way_to_activate(monkeypatch) -> None:
    error = ModuleNotFoundError("No module named 'torch'", name='torch')
    monkeypatch.setattr(sys, 'prefix', '/usr')
    status, text = describe(error)
    assert status == 2
    assert text.startswith(f"{sys.executable} has no module 'torch'. Activate the environment")
    assert describe(ModuleNotFoundError("No module named 'x'", name='x')).status == 1


@pytest.fixture
def fault():
    def main() -> None:
        {}['a']

    return main


def test_where_the_whole_traceback_goes(fault, tmp_path, monkeypatch, capsys) -> None:
    def run() -> str:
        with pytest.raises(SystemExit) as stop:
            run_tool(fault)
        assert stop.value.code == 1
        return capsys.readouterr().err

    error = run()
    first, second = error.splitlines()
    assert first.startswith('train: KeyError: a (')
    file = Path(second.removeprefix('The whole traceback: '))
    assert file.parent == tmp_path
    assert file.read_text().startswith('Traceback')
    (tmp_path / 'run').mkdir()
    command.keep_tracebacks(tmp_path / 'run')
    assert str(tmp_path / 'run' / 'traceback.txt') in run()
    ToolParser().parse_args(['--traceback'])
    assert run().startswith('Traceback')


def test_the_parser_keeps_its_option_to_itself() -> None:
    assert vars(ToolParser().parse_args([])) == {}
    assert vars(ToolParser().parse_args(['--traceback'])) == {}
    assert os.environ[command.TRACEBACK] == '1'


def test_one_of_several_processes_speaks(fault, tmp_path, monkeypatch, capsys) -> None:
    error = _caught(fault)
    monkeypatch.setenv('RANK', '1')
    command.tell(error)
    assert capsys.readouterr().err.startswith('train (rank 1): KeyError')
    monkeypatch.setenv(command.FIRST_ERROR, str(tmp_path / 'first'))
    command.tell(error)
    assert capsys.readouterr().err.startswith('train: KeyError')
    assert command.tell(error) == 1
    assert capsys.readouterr().err == ''


def test_interrupts_are_found_behind_the_errors_that_hosts_make_of_them() -> None:
    def host() -> None:
        try:
            raise KeyboardInterrupt
        except:  # noqa: E722, as MMEngine does
            raise SyntaxError('Failed to format the config file')  # noqa: B904

    assert describe(_caught(host)) == (130, 'interrupted')


WORKERS = """
import sys, time
from multiprocessing import Process

from mmfewshot_seg.command import run_tool


def main():
    workers = [Process(target=time.sleep, args=(60,), daemon=True) for _ in range(2)]
    for worker in workers:
        worker.start()
    print('ready', flush=True)
    try:
        time.sleep(60)
    except BaseException:  # what a host may do
        raise SyntaxError


run_tool(main)
"""


def test_ctrl_c_is_one_line_with_workers(tmp_path) -> None:
    (tmp_path / 'work.py').write_text(WORKERS)
    with subprocess.Popen(
        [sys.executable, tmp_path / 'work.py'],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
    ) as process:
        assert process.stdout.readline() == 'ready\n'
        start = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        _, error = process.communicate(timeout=30)
    assert (process.returncode, error) == (130, 'work: interrupted\n')
    assert time.monotonic() - start < 20


def test_a_reader_that_leaves_is_no_error(tmp_path) -> None:
    (tmp_path / 'much.py').write_text(
        'from mmfewshot_seg.command import run_tool\n'
        'run_tool(lambda: [print("line", flush=True) for _ in range(10**6)] and None)\n'
    )
    done = subprocess.run(
        ['bash', '-c', f'{sys.executable} {tmp_path}/much.py | head -1'],
        capture_output=True,
        text=True,
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
    )
    assert (done.stdout, done.stderr) == ('line\n', '')


END = """
import gc
from mmfewshot_seg.command import heavy_imports, run_tool

class Open:
    def __del__(self):
        print('closed')

def main():
    with heavy_imports():
        assert not gc.isenabled()
        import fractions
    assert gc.isenabled() and gc.get_freeze_count() > 1000
    found = Open()
    found.itself = found  # garbage that the collector alone finds

run_tool(main)
"""


def test_a_tool_ends_with_its_garbage_collected(tmp_path) -> None:
    (tmp_path / 'end.py').write_text(END)
    done = subprocess.run(
        [sys.executable, tmp_path / 'end.py'],
        capture_output=True,
        text=True,
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, 'closed\n', '')


def test_imports_that_fail_switch_the_collector_on_again() -> None:
    with pytest.raises(ImportError), command.heavy_imports():
        import no_such_module  # noqa: F401
    assert gc.isenabled()


def test_the_module_needs_neither_torch_nor_a_host() -> None:
    code = 'import sys, mmfewshot_seg.command; assert not {"torch", "mmengine"} & set(sys.modules)'
    subprocess.run([sys.executable, '-c', code], check=True, cwd=ROOT)
