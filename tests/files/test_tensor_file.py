"""Files of tensors: round trip, and what reading and writing refuse."""

import pytest
import torch

from mmfewshot_seg.files.tensor_file import load_tensors, save_tensors


def test_round_trip_replaces_the_old_file(tmp_path) -> None:
    path = tmp_path / 'a.pth'
    path.write_text('old')
    save_tensors({'x': torch.arange(3)}, path)
    assert load_tensors(path)['x'].tolist() == [0, 1, 2]
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_named(tmp_path) -> None:
    with pytest.raises(
        FileNotFoundError, match='none/a.pth cannot be written: .*none is no folder'
    ):
        save_tensors({}, tmp_path / 'none' / 'a.pth')


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch) -> None:
    def fail(content, file) -> None:
        file.write(b'half')
        raise RuntimeError('disk full\nat line 3')

    path = tmp_path / 'a.pth'
    path.write_text('old')
    monkeypatch.setattr(torch, 'save', fail)
    with pytest.raises(OSError, match=r'a\.pth cannot be written \(RuntimeError: disk full\)'):
        save_tensors({}, path)
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ('content', 'reason'),
    [
        (b'', 'is empty'),
        (b'epoch 3, loss 0.1\n', "is a text file, which begins with 'epoch 3, loss 0.1'"),
        (b'\x89PNG\r\n', 'is no file of PyTorch'),
        (b'PK\x03\x04 cut off', 'is cut off'),
        (b'\x80\x02', 'is damaged or was not written by torch.save'),
    ],
)
def test_other_files_are_refused(tmp_path, content, reason) -> None:
    (tmp_path / 'a.pth').write_bytes(content)
    with pytest.raises(ValueError, match=rf'a\.pth {reason}'):
        load_tensors(tmp_path / 'a.pth')


def test_a_missing_file_stays_an_os_error(tmp_path) -> None:
    with pytest.raises(FileNotFoundError):
        load_tensors(tmp_path / 'a.pth')
