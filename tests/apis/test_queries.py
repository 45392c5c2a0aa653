"""Queries: folders, videos, iterables, names of results, padding."""

import os
import sys
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.captured_log import capture
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image

from mmfewshot_seg.apis.image_pipeline import ImagePipeline, pipelines_of_test
from mmfewshot_seg.apis.queries import list_images, name_images, network_view, read_query

ROOT = Path(__file__).parents[2]
LOAD = dict(type='LoadImageFromFile')
LABEL = dict(type='mmfewshot_seg.LoadEpisodeMask')


def _frame(value: int, size=(20, 30)) -> np.ndarray:
    return np.full((*size, 3), value, np.uint8)


def _pipeline(*transforms: dict) -> ImagePipeline:
    init_default_scope('mmseg')
    return ImagePipeline([LOAD, *transforms])


def test_a_folder_gives_its_images_in_order(tmp_path) -> None:
    for name in ('b.jpg', 'a.png'):
        cv2.imwrite(str(tmp_path / name), _frame(0))
    (tmp_path / 'notes.txt').write_text('')
    assert [path.name for path in list_images(tmp_path)] == ['a.png', 'b.jpg']
    assert list_images(str(tmp_path / 'a.png')) == [str(tmp_path / 'a.png')]
    (tmp_path / 'empty').mkdir()
    with pytest.raises(ValueError, match='holds no images'):
        list_images(tmp_path / 'empty')


@pytest.mark.skipif(sys.platform != 'linux', reason='names of files are bytes on Linux alone')
def test_names_of_files_that_are_no_text_are_refused(tmp_path) -> None:
    """No file of results could hold them."""
    content = cv2.imencode('.png', _frame(0))[1].tobytes()
    with open(os.fsencode(tmp_path) + b'/a\xe9.png', 'wb') as file:
        file.write(content)
    with pytest.raises(ValueError, match=r'a\\udce9.png.*is no text in UTF-8: rename it'):
        list(name_images(list_images(tmp_path), count()))


def test_what_is_left_out_of_a_folder_is_told(tmp_path, caplog) -> None:
    for name in ('a.jpg', 'b.JPG', 'c.tif', 'd.tiff', 'e.ppm', 'sub/f.jpg', '._a.jpg'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new('RGB', (4, 3)).save(tmp_path / name, 'jpeg' if name[0] == '.' else None)
    (tmp_path / 'notes.txt').write_text('')
    (tmp_path / 'g.jpg').mkdir()
    with capture(caplog):
        paths = list_images(tmp_path)
    assert [path.name for path in paths] == ['a.jpg', 'b.JPG', 'c.tif', 'd.tiff', 'e.ppm']
    assert '5 images are read, left out: g.jpg/, notes.txt, sub/' in caplog.text
    assert len([read_query(image, _pipeline()) for image in name_images(paths, count())]) == 5
    with pytest.raises(ValueError, match=r'holds no images; there are h/, notes.txt; expected'):
        (tmp_path / 'g.jpg/h').mkdir()
        (tmp_path / 'g.jpg/notes.txt').write_text('')
        list_images(tmp_path / 'g.jpg')


@pytest.mark.parametrize('bits', [9, 10, 12, 14, 16])
def test_images_of_many_bits_keep_their_brightness(tmp_path, bits) -> None:
    ramp = np.linspace(0, 255, 600).reshape(20, 30).astype(np.uint8)
    deep = ramp.astype(np.uint16) << (bits - 8)
    for name in ('grey.png', 'grey.tif'):
        cv2.imwrite(str(tmp_path / name), deep)
        np.testing.assert_array_equal(_pipeline().load(tmp_path / name), np.dstack([ramp] * 3))
    colours = np.dstack([deep, deep // 2, deep * 0])
    cv2.imwrite(str(tmp_path / 'colours.png'), colours)
    np.testing.assert_array_equal(
        _pipeline().load(str(tmp_path / 'colours.png')), colours >> (bits - 8)
    )
    pil = Image.open(tmp_path / 'grey.png')
    assert pil.mode == 'I;16'
    np.testing.assert_array_equal(_pipeline().load(pil), np.dstack([ramp] * 3))


@pytest.mark.parametrize('mode', ['RGB', 'L', '1', 'P', 'RGBA', 'LA', 'CMYK', 'YCbCr'])
def test_pil_images_are_taken(tmp_path, mode) -> None:
    frame = np.full((20, 30, 3), 255, np.uint8)
    frame[:9] = 0
    image = Image.fromarray(frame).convert(mode)
    np.testing.assert_array_equal(_pipeline().load(image), frame)
    assert list_images(image) == [image]
    red = Image.new('RGB', (4, 3), (200, 10, 20))
    assert _pipeline().load(red)[0, 0].tolist() == [20, 10, 200]


@pytest.mark.parametrize('orientation', range(1, 9))
def test_pil_images_are_turned_as_files_are(tmp_path, orientation) -> None:
    image = Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30).astype(np.uint8))
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(tmp_path / 'a.png', exif=exif)
    expected = _pipeline().load(tmp_path / 'a.png')
    np.testing.assert_array_equal(_pipeline().load(Image.open(tmp_path / 'a.png')), expected)


def test_a_video_gives_its_frames(tmp_path) -> None:
    path = str(tmp_path / 'film.avi')
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'MJPG'), 5, (32, 16))
    for value in (0, 100, 200):
        writer.write(_frame(value, (16, 32)))
    writer.release()
    frames = list_images(path)
    assert len(frames) == 3
    queries = [read_query(image, _pipeline()) for image in name_images(frames, count())]
    assert [round(query.image.mean() / 100) for query in queries] == [0, 1, 2]
    assert [query.name for query in queries] == ['00000000', '00000001', '00000002']
    (tmp_path / 'broken.mp4').write_bytes(b'no video')
    with pytest.raises(ValueError, match='cannot be decoded as a video'):
        list_images(tmp_path / 'broken.mp4')


def test_arrays_and_any_iterable() -> None:
    assert len(list_images(_frame(0))) == 1
    assert len(list_images(np.stack([_frame(0), _frame(1)]))) == 2
    frames = (_frame(value) for value in range(3))
    assert list_images(frames) is frames


def test_no_two_queries_have_one_name(tmp_path) -> None:
    for folder in ('x', 'y'):
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / folder / 'cat.png'), _frame(0))
    paths = [tmp_path / 'x/cat.png', str(tmp_path / 'y/cat.png'), _frame(0)]
    images = list(name_images(paths, count(7)))
    assert [image.name for image in images] == ['cat', 'cat_2', '00000007']
    assert [image.path for image in images] == [str(paths[0]), paths[1], None]


@pytest.mark.parametrize(
    ('transforms', 'size', 'content'),
    [
        ((), (20, 30), (20, 30)),
        ((dict(type='Resize', scale=(40, 40), keep_ratio=False),), (40, 40), (40, 40)),
        ((dict(type='Resize', scale=(60, 60), keep_ratio=True),), (40, 60), (40, 60)),
        (
            (
                dict(type='mmfewshot_seg.ResizeLongSide', long_side=49),
                dict(type='Pad', size=(49, 49), pad_val=dict(img=0)),
                LABEL,
            ),
            (49, 49),
            (32, 48),
        ),
        (
            (LABEL, dict(type='Pad', size=(35, 25), pad_val=dict(img=0, seg=0))),
            (25, 35),
            (20, 30),
        ),
    ],
)
def test_padding_is_told_from_content(transforms, size, content) -> None:
    seen = network_view(_frame(9), _pipeline(*transforms))
    assert seen.seen.shape == (3, *size)
    assert seen.content == content
    assert (seen.seen[:, : content[0], : content[1]] == 9).all()


def test_what_needs_a_data_set_is_left_out() -> None:
    pipeline = _pipeline(
        LABEL,
        dict(type='mmfewshot_seg.BoundingBoxAnnotation'),
        dict(type='mmfewshot_seg.PlaceSuperpixelSeeds'),
    )
    label = np.zeros((20, 30), np.uint8)
    image, seen = pipeline(_frame(3), label)
    assert image.shape == (3, 20, 30) and seen is label


@pytest.mark.slow
@pytest.mark.parametrize('method', ['panet', 'asgnet'])
def test_shipped_configs_take_images_of_users(method) -> None:
    init_default_scope('mmseg')
    label = np.ones((20, 30), np.uint8)
    paths = [p for p in (ROOT / 'configs' / method).glob('*1shot.py') if 'fold0' in p.name]
    assert len(paths) > 3
    for path in paths:
        for pipeline in pipelines_of_test(Config.fromfile(path)):
            image, inside = pipeline(_frame(3), label)
            assert image.shape[1:] == inside.shape and (inside == 1).any(), path.name


def test_unusable_images_and_pipelines_are_named(tmp_path) -> None:
    pipeline = _pipeline()
    (tmp_path / 'text.jpg').write_text('no image')
    for path in (tmp_path / 'text.jpg', tmp_path / 'none.jpg'):
        with pytest.raises(ValueError, match=path.name):
            pipeline.load(path)
    with pytest.raises(ValueError, match=r'got \(20, 30\) uint8'):
        pipeline.load(_frame(0)[..., 0])
    with pytest.raises(ValueError, match='float64'):
        pipeline.load(np.zeros((4, 4, 3)))
    with pytest.raises(TypeError, match='not int'):
        pipeline.load(3)
    with pytest.raises(ValueError, match='must begin with LoadImageFromFile'):
        ImagePipeline([LABEL])
    with pytest.raises(ValueError, match='names no transforms'):
        pipelines_of_test(dict(test_dataloader=dict(dataset=dict(support_pipeline=[LOAD]))))
