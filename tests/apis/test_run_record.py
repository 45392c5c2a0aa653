"""Records of runs: what is done, what another run is, torn lines."""

import pytest

from mmfewshot_seg.apis.queries import NamedImage
from mmfewshot_seg.apis.run_record import RunRecord, undone

SETTINGS = dict(refine='grabcut', tiles=[512, 0.25], class_names=('cat', 'dog'))


def test_what_is_done_is_remembered(tmp_path) -> None:
    record = RunRecord(tmp_path / 'out', SETTINGS)
    record.add('a', 'x/a.jpg')
    record.add('00000000', None)
    again = RunRecord(tmp_path / 'out', SETTINGS, resume=True)
    assert {name: path for name, (path, *_) in again.done.items()} == {'a': 'x/a.jpg'}
    again.add('b', 'x/b.jpg')
    assert len(RunRecord(tmp_path / 'out', SETTINGS, resume=True).done) == 2
    assert RunRecord(tmp_path / 'out', SETTINGS).done == {}
    assert RunRecord(tmp_path / 'out', SETTINGS, resume=True).done == {}  # begun anew


def test_there_need_not_be_a_run_to_resume(tmp_path) -> None:
    assert RunRecord(tmp_path / 'out', SETTINGS, resume=True).done == {}


def test_a_line_that_was_torn_is_not_done(tmp_path) -> None:
    record = RunRecord(tmp_path, SETTINGS)
    record.add('a', 'a.jpg')
    with open(record.path, 'a') as file:
        file.write('["b", "b.j')
    again = RunRecord(tmp_path, SETTINGS, resume=True)
    again.add('c', 'c.jpg')
    assert set(RunRecord(tmp_path, SETTINGS, resume=True).done) == {'a', 'c'}


def test_another_run_is_refused_and_left_alone(tmp_path) -> None:
    RunRecord(tmp_path, SETTINGS).add('a', 'a.jpg')
    with pytest.raises(
        ValueError, match=r"another one: it had refine 'grabcut', not 'guided'\. Ask"
    ):
        RunRecord(tmp_path, dict(SETTINGS, refine='guided'), resume=True)
    assert set(RunRecord(tmp_path, SETTINGS, resume=True).done) == {'a'}
    (tmp_path / 'run.jsonl').write_text('no json\n')
    with pytest.raises(ValueError, match='run.jsonl is damaged'):
        RunRecord(tmp_path, SETTINGS, resume=True)


def test_images_that_are_left(tmp_path) -> None:
    record = RunRecord(tmp_path, SETTINGS)
    images = [NamedImage(name, f'{name}.jpg', f'{name}.jpg') for name in 'abc']
    for image in images[:2]:
        record.add(image.name, image.path)
    (tmp_path / 'a.jpg').touch()
    record = RunRecord(tmp_path, SETTINGS, resume=True)
    assert undone(images, record) == images[2:]
    files_of = lambda name: [tmp_path / f'{name}.jpg']  # noqa: E731
    assert undone(images, record, files_of) == images[1:]  # a picture was removed
    other = NamedImage('a', 'elsewhere/a.jpg', 'elsewhere/a.jpg')
    assert undone([other], record) == [other]
    with pytest.raises(ValueError, match='frames and arrays are segmented anew'):
        undone([NamedImage('0', None, None)], record)
    with pytest.raises(ValueError, match='give out_dir'):
        undone(images, None)


def test_an_image_that_has_changed_is_done_anew(tmp_path) -> None:
    path = tmp_path / 'a.jpg'
    path.write_bytes(b'one')
    image = NamedImage('a', str(path), str(path))
    RunRecord(tmp_path, SETTINGS).add('a', str(path))
    assert undone([image], RunRecord(tmp_path, SETTINGS, resume=True)) == []
    path.write_bytes(b'another')
    assert undone([image], RunRecord(tmp_path, SETTINGS, resume=True)) == [image]


def test_the_last_image_of_a_name_is_the_one_whose_files_are_there(tmp_path) -> None:
    record = RunRecord(tmp_path, SETTINGS)
    first, last = (NamedImage('a', path, path) for path in ('x/a.jpg', 'y/a.jpg'))
    for image in (first, last):
        record.add(image.name, image.path)
    again = RunRecord(tmp_path, SETTINGS, resume=True)
    assert undone([first], again) == [first] and undone([last], again) == []
