"""Files and folders that appear whole or not at all, with real processes, kills and full disks."""

import os
import re
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from mmfewshot_seg.files import whole_file as module
from mmfewshot_seg.files.whole_file import whole_file, whole_folder, write_whole

LEFT_OVER = f'.mmfewshot_seg-{"0123456789abcdef" * 2}.part'
is_root = hasattr(os, 'geteuid') and os.geteuid() == 0


@pytest.fixture(autouse=True)
def other_process():
    """Left-overs are looked for once in a process and folder."""
    module._remove_left_overs.cache_clear()


def _python(code: str, *arguments, **kwargs) -> subprocess.Popen:
    command = [sys.executable, '-c', code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **kwargs)


def test_the_file_is_replaced_at_the_end(tmp_path) -> None:
    path = tmp_path / 'a'
    path.write_text('old')
    with whole_file(path) as file:
        file.write(b'new')
        file.flush()
        assert path.read_text() == 'old'
    assert path.read_text() == 'new'
    assert list(tmp_path.iterdir()) == [path]


def test_text_is_utf8(tmp_path) -> None:
    write_whole(tmp_path / 'a', 'Möwe\n')
    assert (tmp_path / 'a').read_bytes() == b'M\xc3\xb6we\n'


def test_a_relative_path_and_the_longest_name(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_whole('n' * 255, b'1')
    assert os.listdir() == ['n' * 255]


@pytest.mark.parametrize('error', [ValueError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file(tmp_path, error) -> None:
    path = tmp_path / 'a'
    path.write_text('old')
    with pytest.raises(error), whole_file(path) as file:
        file.write(b'half')
        raise error
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]


def test_permissions_are_those_of_any_file(tmp_path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / 'a', b'')
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / 'a').stat().st_mode) == 0o640
    (tmp_path / 'a').chmod(0o604)
    write_whole(tmp_path / 'a', b'')
    assert stat.S_IMODE((tmp_path / 'a').stat().st_mode) == 0o604


WRITER = """
import os, sys
from mmfewshot_seg.files.whole_file import whole_file
path, byte = sys.argv[1], sys.argv[2].encode()
print('ready', flush=True)
for _ in range(100):
    with whole_file(path) as file:
        for _ in range(20):
            file.write(byte * 10_000)
            file.flush()
"""


def test_four_writers_and_a_reader_that_sees_whole_files(tmp_path) -> None:
    path = tmp_path / 'a'
    writers = [_python(WRITER, path, byte) for byte in 'abcd']
    sizes = set()
    while any(writer.poll() is None for writer in writers):
        with suppress(FileNotFoundError):
            content = path.read_bytes()
            sizes.add((len(content), len(set(content))))
    assert [writer.returncode for writer in writers] == [0] * 4
    for writer in writers:
        writer.stdout.close()
    assert sizes == {(200_000, 1)}
    assert list(tmp_path.iterdir()) == [path]


KILLED = """
import os, signal, sys
from mmfewshot_seg.files.whole_file import whole_file, whole_folder
with whole_file(sys.argv[1] + '/a') as file, whole_folder(sys.argv[1] + '/b') as folder:
    file.write(b'half')
    file.flush()
    (folder / 'half').touch()
    print('writing', flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_process_leaves_is_removed_by_the_next(tmp_path) -> None:
    process = _python(KILLED, tmp_path, stdin=subprocess.PIPE)
    assert process.stdout.readline() == 'writing\n'
    assert len(os.listdir(tmp_path)) == 2
    write_whole(tmp_path / 'c', b'1')  # the parts of a living process stay
    assert len(os.listdir(tmp_path)) == 3
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    module._remove_left_overs.cache_clear()
    write_whole(tmp_path / 'c', b'2')
    assert os.listdir(tmp_path) == ['c']


def test_only_parts_are_taken_for_left_overs(tmp_path) -> None:
    names = ['a.part', '.mmfewshot_seg-12.part', f'{LEFT_OVER}.txt']
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / LEFT_OVER).symlink_to(tmp_path / 'a.part')
    write_whole(tmp_path / 'b', b'')
    assert sorted(os.listdir(tmp_path)) == sorted([*names, LEFT_OVER, 'b'])


def test_a_planted_link_is_not_followed(tmp_path, monkeypatch) -> None:
    secret = tmp_path / 'secret'
    secret.write_text('secret')
    (tmp_path / 'a').symlink_to(secret)
    (tmp_path / 'a.part').symlink_to(secret)
    write_whole(tmp_path / 'a', b'mine')
    assert (tmp_path / 'a').read_text() == 'mine' and not (tmp_path / 'a').is_symlink()
    assert secret.read_text() == 'secret'

    (tmp_path / LEFT_OVER).symlink_to(secret)  # even if the name could be guessed
    hexadecimal = type('Guessed', (), {'hex': LEFT_OVER[15:-5]})
    monkeypatch.setattr(module, 'uuid4', lambda: hexadecimal)
    with pytest.raises(FileExistsError, match='a cannot be written'):
        write_whole(tmp_path / 'a', b'yours')
    assert secret.read_text() == 'secret' and (tmp_path / LEFT_OVER).is_symlink()


def test_a_part_taken_for_a_left_over_before_its_lock_is_written_anew(tmp_path, monkeypatch):
    def create(part, flags, *mode):
        descriptor = os_open(part, flags, *mode)
        if os.path.basename(part).endswith('.part') and not taken:
            taken.append(part)
            module._remove_left_over(Path(part))
        return descriptor

    taken, os_open = [], os.open
    monkeypatch.setattr(module.os, 'open', create)
    write_whole(tmp_path / 'a', b'1')
    assert len(taken) == 1 and os.listdir(tmp_path) == ['a']


def test_a_file_system_without_locks(tmp_path, monkeypatch) -> None:
    def flock(*_):
        raise OSError(95, 'Operation not supported')

    monkeypatch.setattr(module.fcntl, 'flock', flock)
    (tmp_path / LEFT_OVER).touch()
    write_whole(tmp_path / 'a', b'1')
    assert sorted(os.listdir(tmp_path)) == [LEFT_OVER, 'a']


def test_a_system_without_locks(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(module, 'fcntl', None)
    (tmp_path / LEFT_OVER).touch()
    write_whole(tmp_path / 'a', b'1')
    with whole_folder(tmp_path / 'b') as folder:
        (folder / 'c').touch()
    assert sorted(os.listdir(tmp_path)) == [LEFT_OVER, 'a', 'b']
    assert os.listdir(tmp_path / 'b') == ['c']


FULL_DISK = """
import resource, signal, sys
import numpy as np
import torch
from mmfewshot_seg.files.tensor_file import save_tensors
from mmfewshot_seg.files.whole_backend import WHOLE
from mmfewshot_seg.files.whole_file import whole_file, write_whole
import mmcv, mmengine

def arrays(path):
    with whole_file(path) as file:
        np.savez(file, a=np.zeros(10**6))

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
path = sys.argv[1] + '/a.png'
for write in (
    lambda: write_whole(path, bytes(10**6)),
    lambda: arrays(path),
    lambda: save_tensors({'a': torch.zeros(10**6)}, path),
    lambda: mmcv.imwrite(np.random.bytes(10**6 * 3) and np.random.randint(
        0, 255, (500, 500, 3), np.uint8), path, backend_args=WHOLE),
    lambda: mmengine.dump(list(range(10**5)), path, 'json', backend_args=WHOLE),
):
    try:
        write()
    except OSError as error:
        print(error)
"""


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path) -> None:
    process = _python(FULL_DISK, tmp_path)
    lines = process.communicate()[0].splitlines()
    assert len(lines) == 5, lines
    for line in lines:
        assert re.search(rf'{tmp_path}/a\.png cannot be written \(.*File too large\)', line), line
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(is_root, reason='root writes into every folder')
def test_a_read_only_folder_is_named(tmp_path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match='a cannot be written .Permission denied'):
        write_whole(tmp_path / 'a', b'')


def test_an_error_of_the_folder_names_the_file(tmp_path, monkeypatch) -> None:
    def refuse(part, *_):
        raise PermissionError(13, 'Permission denied', str(part))

    monkeypatch.setattr(module.os, 'open', refuse)
    with pytest.raises(PermissionError, match=r'/a cannot be written \(Permission denied\)$'):
        write_whole(tmp_path / 'a', b'')


def test_errors_about_other_files_stay_as_they_are(tmp_path) -> None:
    with pytest.raises(FileNotFoundError) as caught, whole_file(tmp_path / 'a'):
        open(tmp_path / 'none')
    assert caught.value.filename == str(tmp_path / 'none')


def test_folders_and_devices_are_refused(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match='none/a cannot be written: .*none is no folder'):
        write_whole(tmp_path / 'none' / 'a', b'')
    os.mkfifo(tmp_path / 'pipe')
    for path in (tmp_path, tmp_path / 'pipe', '/dev/null'):
        with pytest.raises(OSError, match=f'{path} cannot be written: .* not a regular file'):
            write_whole(path, b'')


def test_whole_folder(tmp_path) -> None:
    path = tmp_path / 'new' / 'a'
    with whole_folder(path) as folder:
        (folder / 'b').touch()
        assert not path.exists()
    assert os.listdir(path) == ['b'] and os.listdir(path.parent) == ['a']
    (tmp_path / 'empty').mkdir()
    with whole_folder(tmp_path / 'empty') as folder:
        (folder / 'c').touch()
    assert os.listdir(tmp_path / 'empty') == ['c']


def test_a_folder_that_fails_or_meets_another_leaves_nothing(tmp_path) -> None:
    path = tmp_path / 'a'
    with pytest.raises(KeyboardInterrupt), whole_folder(path) as folder:
        (folder / 'b').touch()
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []
    with pytest.raises(OSError, match='a cannot be written'), whole_folder(path) as folder:
        path.mkdir()
        (path / 'other').touch()
    assert os.listdir(tmp_path) == ['a'] and os.listdir(path) == ['other']


def test_arrays_are_read_back(tmp_path) -> None:
    with whole_file(tmp_path / 'a.npz') as file:
        np.savez(file, x=np.arange(3))
    with np.load(tmp_path / 'a.npz') as stored:
        assert stored['x'].tolist() == [0, 1, 2]
