import ast
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from mmfewshot_seg.datasets.sources import FolderSource
from mmfewshot_seg.datasets.sources import pair_index as module

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path, write_image, write_mask):
    """Two classes: cat with 2 and 1 pixels, dog with 3."""
    for name, values in {
        'cat/1': [[255, 255], [0, 0]],
        'cat/2': [[0, 0], [0, 255]],
        'dog/1': [[255, 255], [255, 0]],
    }.items():
        write_image(tmp_path / 'data' / f'{name}.jpg', 2, 2)
        write_mask(tmp_path / 'data' / f'{name}.png', values)
    return tmp_path / 'data'


@pytest.fixture
def builds(monkeypatch):
    """Counts how often an index is built."""
    calls = []
    build = module.build
    monkeypatch.setattr(module, 'build', lambda *args, **kw: calls.append(1) or build(*args, **kw))
    return calls


def _source(folder, **kwargs) -> FolderSource:
    return FolderSource(str(folder), index_dir=str(folder.parent / 'index'), **kwargs)


def test_pairs_counted_by_hand(folder):
    pairs = _source(folder).pairs
    assert pairs.dtype == np.int64
    assert pairs.tolist() == [[0, 0, 2], [1, 0, 1], [2, 1, 3]]


def test_index_is_built_once_and_kept(folder, builds):
    source = _source(folder)
    first = source.pairs
    assert source.pairs is first
    assert _source(folder).pairs.tolist() == first.tolist()
    assert len(builds) == 1
    assert len(os.listdir(folder.parent / 'index')) == 1


@pytest.mark.parametrize('name', ['cat/1.jpg', 'dog/1.png'])
def test_a_touched_file_renews_the_index(folder, builds, name):
    _ = _source(folder).pairs
    os.utime(folder / name, (1, 1))
    _ = _source(folder).pairs
    assert len(builds) == 2


def test_an_option_renews_the_index(folder, builds):
    _ = _source(folder).pairs
    inverted = _source(folder, background_value=255, foreground_values=(0,)).pairs
    assert inverted.tolist() == [[0, 0, 2], [1, 0, 3], [2, 1, 1]]
    assert len(builds) == 2


def test_a_broken_index_is_renewed(folder, builds):
    pairs = _source(folder).pairs.tolist()
    (path,) = (folder.parent / 'index').iterdir()
    path.write_bytes(path.read_bytes()[:50])
    assert _source(folder).pairs.tolist() == pairs
    assert _source(folder).pairs.tolist() == pairs
    assert len(builds) == 2


def test_no_file_without_index_dir(folder, builds, monkeypatch):
    monkeypatch.chdir(folder.parent)
    for _ in range(2):
        _ = FolderSource(str(folder), index_dir=None).pairs
    assert len(builds) == 2
    assert os.listdir(folder.parent) == ['data']


def test_several_at_once_leave_one_whole_file(folder):
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: _source(folder).pairs.tolist(), range(8)))
    assert results == [results[0]] * 8
    (path,) = (folder.parent / 'index').iterdir()
    assert module.load(str(path)).pairs.tolist() == results[0]


def test_a_failed_write_leaves_no_file(folder, monkeypatch):
    def fail(file, **arrays):
        file.write(b'half')
        raise OSError('disk full')

    monkeypatch.setattr(module.np, 'savez', fail)
    with pytest.raises(OSError, match='disk full'):
        _ = _source(folder).pairs
    assert os.listdir(folder.parent / 'index') == []


def test_the_index_is_a_file_like_others(folder):
    (folder.parent / 'other').touch()
    _ = _source(folder).pairs
    (path,) = (folder.parent / 'index').iterdir()
    assert path.stat().st_mode == (folder.parent / 'other').stat().st_mode


TWO_PROCESSES = """
import sys, time
sys.path[:0] = ['.', 'tests']
from torch import distributed
from mmfewshot_seg.datasets.sources import FolderSource, pair_index as module
folder = sys.argv[1]
distributed.init_process_group('gloo')
rank, builds, build = distributed.get_rank(), [], module.build
module.build = lambda *args, **kwargs: builds.append(1) or build(*args, **kwargs)
start = time.time()
try:
    found = len(FolderSource(folder + '/data', index_dir=folder + '/index').pairs)
except ValueError as error:
    found = str(error)
quick = time.time() - start < 30
sys.stdout.write(f'RESULT {[rank, len(builds), found, quick]}\\n')
sys.stdout.flush()
distributed.barrier()
"""


def _two_processes(folder) -> list:
    script = folder.parent / 'two.py'
    script.write_text(TWO_PROCESSES)
    launch = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node=2']
    command = [*launch, str(script), str(folder.parent)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    lines = [x.partition('RESULT ')[2] for x in run.stdout.splitlines() if 'RESULT ' in x]
    assert len(lines) == 2, run.stderr
    return sorted(map(ast.literal_eval, lines))


@pytest.mark.slow
def test_the_first_process_builds_for_the_other(folder):
    assert _two_processes(folder) == [[0, 1, 3, True], [1, 0, 3, True]]


@pytest.mark.slow
def test_a_failure_of_the_first_process_stops_the_other(folder, write_image):
    write_image(folder / 'cat' / '2.jpg', 3, 5)
    (rank, builds, told, quick), (_, none, other, other_quick) = _two_processes(folder)
    assert 'must have the same size' in told and other == told
    assert (rank, builds, none, quick, other_quick) == (0, 1, 0, True, True)


def test_machines_with_other_images_are_refused(folder, monkeypatch):
    theirs = ('gpu2', 4, 'another digest')
    monkeypatch.setattr(module, 'all_gather_object', lambda mine: [('gpu1', *mine[1:]), theirs])
    with pytest.raises(ValueError, match=r'machine gpu2 \(4 pairs .* not those of gpu1 \(3\)'):
        _ = _source(folder).pairs


def test_images_without_a_class_are_counted(folder, write_mask, monkeypatch):
    logged = []
    monkeypatch.setattr(module, 'print_log', lambda message, *_: logged.append(message))
    write_mask(folder / 'cat' / '2.png', [[0, 0], [0, 0]])
    message = 'FolderSource: 1 of 3 images show no class and are not drawn'
    for _ in range(2):  # built, then from the stored index
        assert _source(folder).pairs.tolist() == [[0, 0, 2], [2, 1, 3]]
        assert logged.count(message) == 1
        logged.clear()


def test_size_of_mask_must_be_that_of_the_image(folder, write_image):
    write_image(folder / 'cat' / '2.jpg', 3, 5)
    with pytest.raises(ValueError, match=r'cat/2.jpg is 5x3 pixels .* its mask 2x2'):
        _ = _source(folder).pairs


def test_exif_orientation_counts_for_the_size(folder, write_image, write_mask):
    write_image(folder / 'cat' / '2.jpg', 2, 3, orientation=6)
    write_mask(folder / 'cat' / '2.png', [[255, 0], [255, 0], [255, 0]])
    assert _source(folder).pairs.tolist()[1] == [1, 0, 3]
    write_mask(folder / 'cat' / '2.png', [[255, 0, 0], [255, 0, 0]])
    with pytest.raises(ValueError, match=r'cat/2.jpg is 2x3 pixels \(EXIF.*its mask 3x2'):
        _ = _source(folder).pairs


@pytest.mark.parametrize('name', ['cat/2.jpg', 'cat/2.png'])
def test_unreadable_files_are_named_or_left_out(folder, truncate, name, monkeypatch):
    truncate(folder / name, 0.3)
    with pytest.raises(ValueError, match=rf'1 images cannot be read: .*{name}.*skip_unreadable'):
        _ = _source(folder).pairs
    logged = []
    monkeypatch.setattr(module, 'print_log', lambda message, *_: logged.append(message))
    source = _source(folder, skip_unreadable=True)
    assert source.pairs.tolist() == [[0, 0, 2], [2, 1, 3]]
    assert logged[-1].startswith('Left out: 1 images cannot be read') and name in logged[-1]
    assert len(source) == 3  # numbers of images stay
    with pytest.raises(ValueError, match='cannot be read'):
        _ = _source(folder).pairs  # the stored index does not hide it


def test_a_missing_file_is_named(folder):
    source = _source(folder)
    os.remove(folder / 'cat' / '2.png')
    with pytest.raises(FileNotFoundError, match=r'1 files are missing: .*cat/2.png'):
        _ = source.pairs
