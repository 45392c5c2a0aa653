"""Videos: frames by number, pictures written and read back, whole or not at all."""

import re

import cv2
import mmcv
import numpy as np
import pytest
from helpers.captured_log import capture

from mmfewshot_seg.apis.video import frames_per_second, open_video, video_frame, whole_video


def _pictures(number: int, size=(48, 64)) -> list[np.ndarray]:
    """RGB pictures, red from the left, more of it in each."""
    pictures = [np.zeros((*size, 3), np.uint8) for _ in range(number)]
    for n, picture in enumerate(pictures):
        picture[:, : 16 * (n + 1), 0] = 255
    return pictures


@pytest.mark.parametrize('name', ['film.mp4', 'film.avi', 'film.MOV', 'new/film.mp4'])
def test_pictures_come_back(tmp_path, name) -> None:
    with whole_video(tmp_path / name, 12) as add:
        for picture in _pictures(3):
            add(picture)
        assert not (tmp_path / name).exists()
    video = open_video(tmp_path / name)
    assert (len(video), video.width, video.height, video.fps) == (3, 64, 48, 12)
    assert frames_per_second(str(tmp_path / name)) == 12
    for frame, picture in zip(video, _pictures(3), strict=True):
        assert np.abs(frame[..., ::-1].astype(int) - picture).mean() < 12


def test_frames_have_numbers(tmp_path) -> None:
    with whole_video(tmp_path / 'film.avi', 5) as add:
        for picture in _pictures(4):
            add(picture)
    path = str(tmp_path / 'film.avi')
    frames = list(mmcv.VideoReader(path))
    for number in (2, 0, 3):
        np.testing.assert_array_equal(video_frame(f'{path}#{number}'), frames[number])
    assert video_frame(path) is None and video_frame(tmp_path / 'a#1.jpg') is None
    with pytest.raises(ValueError, match=r'film.avi has no frame 4: it has 4, counted from 0'):
        video_frame(f'{path}#4')
    with pytest.raises(ValueError, match='there is no video .*none.mp4'):
        video_frame(tmp_path / 'none.mp4#0')


def test_nothing_is_left_of_a_video_that_was_broken_off(tmp_path) -> None:
    path = tmp_path / 'film.mp4'
    with pytest.raises(KeyError), whole_video(path, 5) as add:
        add(_pictures(1)[0])
        raise KeyError
    with whole_video(path, 5):
        pass  # no picture, no video
    assert list(tmp_path.iterdir()) == []
    path.write_bytes(b'before')
    with (
        pytest.raises(ValueError, match='first is 64x48, another 32x48'),
        whole_video(path, 5) as add,
    ):
        add(_pictures(1)[0])
        add(_pictures(1, (48, 32))[0])
    assert path.read_bytes() == b'before'


def test_frames_that_cannot_be_decoded_are_told(tmp_path, caplog) -> None:
    with whole_video(tmp_path / 'film.avi', 5) as add:
        for picture in _pictures(4):
            add(picture)
    content = (tmp_path / 'film.avi').read_bytes()
    starts = [match.start() for match in re.finditer(b'00dc', content)]
    (tmp_path / 'cut.avi').write_bytes(content[: starts[2]])
    with capture(caplog):
        assert len(list(open_video(tmp_path / 'film.avi'))) == 4 and not caplog.text
        number = len(list(open_video(tmp_path / 'cut.avi')))
    assert 0 < number < 4
    assert f'cut.avi says that it has 4 frames, but {number} could be decoded' in caplog.text
    (tmp_path / 'cut.avi').write_bytes(content[: starts[0]])
    with pytest.raises(ValueError, match=r'cut.avi cannot be decoded'):
        list(open_video(tmp_path / 'cut.avi'))


def test_other_formats_are_refused(tmp_path) -> None:
    with (
        pytest.raises(ValueError, match=r'film.gif cannot be written .* expected .mp4'),
        whole_video(tmp_path / 'film.gif', 5),
    ):
        pass


def test_what_cannot_be_encoded_is_told(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(cv2.VideoWriter, 'fourcc', lambda *_: -2)
    with (
        pytest.raises(ValueError, match='film.mp4: OpenCV cannot encode mp4v here'),
        whole_video(tmp_path / 'film.mp4', 5) as add,
    ):
        add(_pictures(1)[0])
