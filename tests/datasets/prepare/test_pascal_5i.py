"""Labels of two archives become one folder: the same labels, whole files, nothing done twice."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.tool_calls import call_tool
from PIL import Image
from scipy.io import savemat

from mmfewshot_seg.datasets.prepare.pascal_5i import OFFICIAL_COUNTS, prepare_pascal_5i
from mmfewshot_seg.datasets.sources import Pascal5iSource
from mmfewshot_seg.datasets.sources.masks import read_label_map

ROOT = Path(__file__).parents[3]
OWN = {'train': ['v1', 'v2'], 'val': ['v3']}
SBD = {'train': ['v1', 's1', 'v3'], 'val': ['s2']}


def _labels(number: int, size=(6, 8)) -> np.ndarray:
    labels = np.zeros(size, np.uint8)
    labels[1:4, 1:4], labels[5] = number, 255
    return labels


def _write(voc: Path, sbd: Path, size=(6, 8), extra=()) -> None:
    for folder in ('JPEGImages', 'SegmentationClass', 'ImageSets/Segmentation'):
        (voc / folder).mkdir(parents=True)
    (sbd / 'cls').mkdir(parents=True)
    for names, folder in ((OWN, voc / 'ImageSets/Segmentation'), (SBD, sbd)):
        for split, members in names.items():
            more = extra if (names, split) == (SBD, 'train') else ()
            (folder / f'{split}.txt').write_text('\n'.join([*members, *more]))
    everything = sorted({*OWN['train'], *OWN['val'], *SBD['train'], *SBD['val'], *extra})
    for number, name in enumerate(everything, start=1):
        Image.new('RGB', size[::-1]).save(voc / 'JPEGImages' / f'{name}.jpg')
        if name.startswith('v'):
            image = Image.fromarray(_labels(number % 20 + 1, size))
            image.putpalette(list(range(256)) * 3)
            image.save(voc / 'SegmentationClass' / f'{name}.png')
        # those of SBD for images that VOC has labelled are others, and not taken
        own = 20 if name.startswith('v') else number % 20 + 1
        content = {'GTcls': {'Segmentation': _labels(own, size)}}
        savemat(sbd / 'cls' / f'{name}.mat', content)


@pytest.fixture
def trees(tmp_path) -> tuple[Path, Path]:
    voc, sbd = tmp_path / 'VOC2012', tmp_path / 'dataset'
    _write(voc, sbd)
    return voc, sbd


def _snapshot(folder: Path) -> dict:
    return {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


def test_labels_are_those_that_the_source_reads_from_the_archives(trees) -> None:
    voc, sbd = trees
    before = {
        split: Pascal5iSource(str(voc), str(sbd), split, index_dir=None)
        for split in ('trainaug', 'val')
    }
    prepared = prepare_pascal_5i(voc, sbd, counts=None)
    assert prepared.written == 5 and prepared.list_written
    assert prepared.counts == {
        'VOC train': 2,
        'VOC val': 1,
        'SBD train': 3,
        'SBD val': 1,
        'trainaug': 4,
    }
    assert prepared.list_file.read_text() == 's1\ns2\nv1\nv2\n'
    for split, source in before.items():
        alone = Pascal5iSource(str(voc), None, split, index_dir=None)
        assert alone.names == source.names
        assert all('SegmentationClassAug' in alone.label_path(j) for j in range(len(alone)))
        for j in range(len(alone)):
            assert (alone.read_labels(j) == source.read_labels(j)).all()
    names = {path.name for path in prepared.labels.iterdir()}
    assert names == {f'{name}.png' for name in ('s1', 's2', 'v1', 'v2', 'v3')}


def test_a_second_call_changes_nothing_and_mends_half_files(trees, tmp_path) -> None:
    prepare_pascal_5i(*trees, counts=None)
    first = _snapshot(tmp_path)
    again = prepare_pascal_5i(*trees, counts=None)
    assert again.written == 0 and not again.list_written
    assert _snapshot(tmp_path) == first
    half = again.labels / 's1.png'
    content = half.read_bytes()
    half.write_bytes(content[: len(content) // 2])
    assert prepare_pascal_5i(*trees, counts=None).written == 1
    assert half.read_bytes() == content


def test_official_counts_are_wanted(trees) -> None:
    with pytest.raises(ValueError, match='VOC train has 2 images instead of 1464; .*trainaug'):
        prepare_pascal_5i(*trees)
    assert not (trees[0] / 'SegmentationClassAug').exists()
    voc, sbd = (OFFICIAL_COUNTS[f'{name} train'] for name in ('VOC', 'SBD'))
    assert (voc, sbd) == (1464, 8498)


def test_the_tree_shows_what_is_missing(trees) -> None:
    voc, sbd = trees
    (voc / 'ImageSets/Segmentation/val.txt').unlink()
    (sbd / 'cls/s2.mat').unlink()
    (voc / 'JPEGImages/s1.jpg').unlink()
    with pytest.raises(FileNotFoundError, match='^3 parts are missing. VOC2012 is in') as error:
        prepare_pascal_5i(voc, sbd, counts=None)
    lines = str(error.value).splitlines()[1:]
    assert [line.split()[0] for line in lines] == 'ok MISSING ok ok MISSING ok MISSING'.split()
    assert lines[4].endswith('JPEGImages/<name>.jpg, 4 of 5; no s1.jpg')
    assert lines[6].endswith('cls/<name>.mat, 2 of 3; no s2.mat')
    assert not (voc / 'SegmentationClassAug').exists()


def test_wrong_labels_and_lists_are_named(trees) -> None:
    voc, sbd = trees
    savemat(sbd / 'cls/s1.mat', {'GTcls': {'Segmentation': _labels(21)}})
    with pytest.raises(ValueError, match=r's1.mat has labels \[21\], expected 0'):
        prepare_pascal_5i(voc, sbd, counts=None)
    savemat(sbd / 'cls/s1.mat', {'GTcls': {'Segmentation': _labels(2)[:4]}})
    with pytest.raises(ValueError, match=r's1.mat is 8x4 pixels, its image 8x6'):
        prepare_pascal_5i(voc, sbd, counts=None)
    (voc / 'ImageSets/Segmentation/trainaug.txt').write_text('v1\n')
    with pytest.raises(ValueError, match=r'trainaug.txt lists other images'):
        prepare_pascal_5i(voc, sbd, counts=None)


def test_a_list_of_paths_is_kept(trees) -> None:
    lines = [f'/JPEGImages/{name}.jpg /x/{name}.png' for name in ('v2', 'v1', 's2', 's1')]
    path = trees[0] / 'ImageSets/Segmentation/trainaug.txt'
    path.write_text('\n'.join(lines))
    assert not prepare_pascal_5i(*trees, counts=None).list_written
    assert path.read_text() == '\n'.join(lines)


@pytest.mark.slow
def test_a_killed_run_leaves_whole_files_and_the_next_completes_it(tmp_path) -> None:
    voc, sbd = tmp_path / 'VOC2012', tmp_path / 'dataset'
    _write(voc, sbd, size=(240, 320), extra=[f's{number}' for number in range(10, 400)])
    command = [sys.executable, str(ROOT / 'tools/prepare_pascal5i.py'), str(voc)]
    command += ['--sbd', str(sbd), '--any-counts']
    labels = voc / 'SegmentationClassAug'
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and len(list(labels.glob('*.png'))) < 20:
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    done = list(labels.glob('*.png'))
    assert 20 <= len(done) < 395
    assert not (voc / 'ImageSets/Segmentation/trainaug.txt').exists()
    for path in done:
        assert read_label_map(str(path)).shape == (240, 320)
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    (written,) = re.findall(r'(\d+) labels written', result.stdout)
    assert int(written) == 395 - len(done)
    assert len(list(labels.iterdir())) == 395  # and no part of a file


def test_the_tool(trees, tmp_path, capsys) -> None:
    assert call_tool('prepare_pascal5i', tmp_path / 'nowhere') == 2
    found = capsys.readouterr().err
    assert found.startswith('prepare_pascal5i: 7 parts are missing. VOC2012 is in')
    assert not (tmp_path / 'nowhere').exists()
    voc, sbd = trees
    assert call_tool('prepare_pascal5i', voc, '--sbd', sbd) == 2
    assert 'VOC train has 2 images instead of 1464' in capsys.readouterr().err
    assert call_tool('prepare_pascal5i', voc, '--sbd', sbd, '--any-counts') == 0
    assert '5 labels written, the others were there' in capsys.readouterr().out
