"""Frames of videos by number, and pictures written as a video."""

import logging
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import mmcv
import numpy as np
from mmengine.logging import print_log

from mmfewshot_seg.files.whole_file import whole_file

VIDEO_SUFFIXES = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg')
# What OpenCV's packages can encode; H.264 is not among it.
CODECS = {'.mp4': 'mp4v', '.m4v': 'mp4v', '.mov': 'mp4v', '.avi': 'MJPG'}
FRAMES_PER_SECOND = 25.0

_FRAME = re.compile(r'(.+)#(\d+)')


def is_video(path: str | Path) -> bool:
    """Whether the name of a file is that of a video."""
    return Path(path).suffix.lower() in VIDEO_SUFFIXES


class Film(mmcv.VideoReader):
    """Frames of a video file, in turn or by number; tells where there are fewer than it says.

    Raises:
        ValueError: In its turn, if no frame can be decoded.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __iter__(self) -> Iterator[np.ndarray]:
        super().__iter__()  # from the first frame on
        number = 0
        while (frame := self.read()) is not None:
            number += 1
            yield frame
        if not number:
            raise ValueError(f'{self.path} cannot be decoded: it has no whole frame')
        if number < len(self):
            print_log(
                f'{self.path} says that it has {len(self)} frames, but {number} could be '
                'decoded: is the file cut off?',
                'current',
                logging.WARNING,
            )


def open_video(path: str | Path) -> Film:
    """Frames of a video, (H, W, 3) uint8 BGR.

    Raises:
        ValueError: If it cannot be decoded.
    """
    if not Path(path).is_file():
        raise ValueError(f'there is no video {path}')
    video = Film(str(path))
    if len(video) <= 0:
        raise ValueError(f'{path} cannot be decoded as a video')
    return video


def frame_name(path: str | Path) -> str | None:
    """``film_12`` of ``film.mp4#12``, see :func:`video_frame`; None if it names no frame."""
    match = _FRAME.fullmatch(str(path))
    return f'{Path(match[1]).stem}_{match[2]}' if match and is_video(match[1]) else None


def video_frame(path: str | Path) -> np.ndarray | None:
    """The frame that ``film.mp4#12`` names, the first is 0; None if it names none.

    Raises:
        ValueError: If the video cannot be decoded or has no such frame.
    """
    match = _FRAME.fullmatch(str(path))
    if not match or not is_video(match[1]):
        return None
    video, number = open_video(match[1]), int(match[2])
    frame = video[number] if number < len(video) else None
    if frame is None:
        raise ValueError(f'{match[1]} has no frame {number}: it has {len(video)}, counted from 0')
    return frame


def frames_per_second(inputs: object) -> float:
    """Of a video file; ``FRAMES_PER_SECOND`` for anything else."""
    if isinstance(inputs, str | Path) and is_video(inputs):
        return open_video(inputs).fps or FRAMES_PER_SECOND
    return FRAMES_PER_SECOND


def check_video_name(path: str | Path) -> None:
    """Refuse names of videos that cannot be written.

    Raises:
        ValueError: If the suffix is unknown.
    """
    if Path(path).suffix.lower() not in CODECS:
        raise ValueError(f'{path} cannot be written as a video, expected {", ".join(CODECS)}')


def check_video_out(path: str | Path, inputs: object, resume: bool) -> None:
    """Refuse videos of pictures that cannot be written, or would spoil something.

    Raises:
        ValueError: If the suffix is unknown, the video is the one to segment, or it would have the
            pictures alone that a run has left to do.
    """
    check_video_name(path)
    if isinstance(inputs, str | Path) and os.path.realpath(inputs) == os.path.realpath(path):
        raise ValueError(f'{path} is the video to segment: name another file by video_out')
    if resume:
        raise ValueError(
            'a video holds the pictures of all images, resume makes those that are left: leave out '
            'video_out or resume'
        )


@contextmanager
def whole_video(path: str | Path, fps: float) -> Iterator[Callable[[np.ndarray], None]]:
    """A video to add pictures to; it appears when the block ends without an error.

    Args:
        path: File to write; its suffix, one of ``CODECS``, decides the format.
        fps: Pictures a second.

    Yields:
        A function that adds an (H, W, 3) uint8 RGB picture. All have the size of the first.

    Raises:
        ValueError: If the format is unknown or cannot be encoded here, or pictures differ in size.
        OSError: If the file cannot be written.
    """
    check_video_name(path)
    path = Path(path)
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder, f'part{path.suffix.lower()}')
        writer = cv2.VideoWriter()
        size: tuple[int, int] | None = None

        def add(picture: np.ndarray) -> None:
            nonlocal size
            own = picture.shape[1], picture.shape[0]
            if size is None:
                size = own
                codec = cv2.VideoWriter.fourcc(*CODECS[part.suffix])
                if not writer.open(str(part), codec, fps, size):
                    raise ValueError(f'{path}: OpenCV cannot encode {CODECS[part.suffix]} here')
            if own != size:
                raise ValueError(
                    f'{path}: pictures of a video have one size; the first is {size[0]}x{size[1]}, '
                    f'another {own[0]}x{own[1]}'
                )
            writer.write(np.ascontiguousarray(picture[..., ::-1]))

        try:
            yield add
        finally:
            writer.release()
        if size is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(part, 'rb') as written, whole_file(path) as file:
                shutil.copyfileobj(written, file)
