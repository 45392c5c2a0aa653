"""Word vectors: every format gives the same rows, names find their rows, mistakes are named."""

import json
import os
import time
import warnings

import numpy as np
import pytest

from mmfewshot_seg.classes.folds import COCO_CLASSES
from mmfewshot_seg.classes.word_vectors import (
    WordVectors,
    read_vocabulary,
    read_word_vectors,
    scale_rows,
    write_word_vectors,
)
from mmfewshot_seg.classes.zeroshot_splits import SPLITS

NAMES = ('cat', 'traffic_light', 'zebra', '7')
VECTORS = np.array([[1, -2.5, 3e-8], [0.1, 1 / 3, 5], [-7, 8, 9], [0, 0.5, 1]], np.float32)


def _text(separator: str = ' ', names=NAMES) -> str:
    rows = zip(names, VECTORS, strict=True)
    return ''.join(separator.join([n, *(f'{x:.9g}' for x in row)]) + '\n' for n, row in rows)


def _binary(newline: bytes = b'\n') -> bytes:
    entries = (n.encode() + b' ' + row.tobytes() for n, row in zip(NAMES, VECTORS, strict=True))
    return b'4 3\n' + b''.join(entry + newline for entry in entries)


def _npz(path, **arrays) -> None:
    with open(path, 'wb') as file:
        np.savez(file, **arrays)


@pytest.fixture
def file(tmp_path):
    """Writes a file whose name tells nothing."""

    def write(content: str | bytes) -> str:
        path = tmp_path / 'vectors.any'
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


@pytest.mark.parametrize(
    'content',
    [
        _text(),
        _text('\t'),
        _text(','),
        _text(names=('cat', 'traffic light', 'zebra', '7')),
        '4 3\n' + _text(),
        _binary(),
        _binary(newline=b''),
    ],
    ids=['glove', 'tabs', 'commas', 'spaces', 'word2vec', 'binary', 'binary-google'],
)
def test_formats_are_told_from_the_content(file, content) -> None:
    table = read_word_vectors(file(content))
    assert [name.replace(' ', '_') for name in table.names] == list(NAMES)
    np.testing.assert_array_equal(table.vectors, VECTORS)
    assert table.vectors.dtype == np.float32 and table.background is None


@pytest.mark.parametrize('content', [_text(), '4 3\n' + _text(), _binary()])
def test_only_what_is_wanted_is_read(file, content) -> None:
    table = read_word_vectors(file(content), wanted=['Traffic Light', 'zebbra', 'bat cat'])
    assert table.names == ('cat', 'traffic_light') and table.others == ('zebra',)
    np.testing.assert_array_equal(table.select(['traffic-light'])[0], VECTORS[1])
    with pytest.raises(ValueError, match=r"no word vector for 'zebbra' \(did you mean 'zebra'\?\)"):
        table.select(['cat', 'zebbra'])
    with pytest.raises(ValueError, match="no word vector for 'unicorn'"):
        read_word_vectors(file(content), wanted=['unicorn'])


def test_a_word_may_begin_as_a_zip_file_does(file) -> None:
    assert read_word_vectors(file('PK 1 2\ncat 3 4\n')).names == ('PK', 'cat')


def test_npz_with_and_without_background(tmp_path) -> None:
    path = tmp_path / 'v.npz'
    _npz(path, names=NAMES, vectors=VECTORS)
    np.testing.assert_array_equal(read_word_vectors(path).vectors, VECTORS)
    _npz(path, names=NAMES, vectors=VECTORS, background=VECTORS[0])
    np.testing.assert_array_equal(read_word_vectors(path).background, VECTORS[0])


def test_published_tables_are_recognised_by_their_columns(file) -> None:
    for split in SPLITS.values():
        names = split.classes('generalized')
        table = np.arange(4.0 * (1 + len(names))).reshape(4, -1)
        path = file('\n'.join(','.join(map(str, row)) for row in table))
        read = read_word_vectors(path)
        assert read.names == names
        np.testing.assert_array_equal(read.background, table[:, 0])
        np.testing.assert_array_equal(read.vectors, table[:, 1:].T)


def test_columns_without_background_are_never_guessed(file, tmp_path) -> None:
    """80 columns may be in COCO's order or in that of 65/15."""
    path = file('\n'.join(','.join('1' * 80) for _ in range(3)))
    with pytest.raises(
        ValueError, match='80 columns of 3 numbers and no words.*classes.json.*names='
    ):
        read_word_vectors(path)
    (tmp_path / 'classes.json').write_text(
        json.dumps({'a': {'seen': COCO_CLASSES[:70], 'unseen': COCO_CLASSES[70:]}})
    )
    assert read_word_vectors(path).names == COCO_CLASSES  # as the user wrote beside it
    assert read_word_vectors(path, names=COCO_CLASSES).names == COCO_CLASSES
    assert read_word_vectors(path, names=tmp_path / 'classes.json').names == COCO_CLASSES


def test_columns_named_by_what_lies_beside(file, tmp_path) -> None:
    path = file('0,1,2\n0,3,4\n')
    with pytest.raises(ValueError, match='3 columns of 2 numbers, but 7 or 5 names'):
        read_word_vectors(path, names=_json(tmp_path / 'x.json', [['a', 'b', 'c', 'd'], ['e']]))
    _json(tmp_path / 'classes.json', [['cat'], ['dog']])
    table = read_word_vectors(path)
    assert table.names == ('cat', 'dog')
    np.testing.assert_array_equal(table.vectors, [[1, 3], [2, 4]])
    np.testing.assert_array_equal(table.background, [0, 0])
    (tmp_path / 'names.txt').write_text('bird\n\nfox\n')
    assert read_word_vectors(path, names=tmp_path / 'names.txt').names == ('bird', 'fox')


def _json(path, lists) -> str:
    blocks = {'other': dict(seen=list('abcdefg'), unseen=[]), 'ours': dict(seen=[], unseen=[])}
    blocks['ours'] = dict(zip(('seen', 'unseen'), lists, strict=True))
    path.write_text(json.dumps(blocks))
    return str(path)


def test_lower_case_goes_before_other_spellings_then_the_first(file) -> None:
    table = read_word_vectors(file('Cat 1\ncat 2\nCAT 3\nDog 4\nDOG 5\nhot-dog 6\nhot_dog 7\n'))
    np.testing.assert_array_equal(table.select(['cat', 'dog', 'hot dog'])[:, 0], [2, 4, 6])


def test_whole_name_first_else_the_mean_of_its_words() -> None:
    table = WordVectors(('hot', 'dog', 'hot_dog', 'sports', 'ball'), np.diag([1.0, 2, 3, 4, 5]))
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        rows = table.select(['hot dog', 'Sports-Ball', 'dog'])
    np.testing.assert_array_equal(rows, [[0, 0, 3, 0, 0], [0, 0, 0, 2, 2.5], [0, 2, 0, 0, 0]])


def test_words_without_vector_are_told() -> None:
    table = WordVectors(('hair', 'dryer'), [[1.0, 0], [0, 1]])
    told = r"'hair drier' has the vector of its other words .* 'drier' \(did you mean 'dryer'\?\)"
    with pytest.warns(UserWarning, match=told):
        rows = table.select(['hair drier', 'dryer'])
    np.testing.assert_array_equal(rows, [[1, 0], [0, 1]])
    with pytest.raises(ValueError, match="'cat', 'hare' .*hair.*: rename the class, or add"):
        table.select(['cat', 'hare', 'hair'])


def test_lengths_are_those_asked_for() -> None:
    table = WordVectors(('a', 'b'), [[3.0, 4], [0, 2]], background=[1, 1])
    scaled = table.normalized(10)
    np.testing.assert_allclose(scaled.vectors, [[6, 8], [0, 10]])
    np.testing.assert_allclose(scaled.background, [3.5, 3.5])  # mean of 10 / 5 and 10 / 2
    np.testing.assert_allclose(scale_rows(table.vectors), [[0.6, 0.8], [0, 1]])
    with pytest.raises(ValueError, match="vector of 'b' is zero"):
        WordVectors(('a', 'b'), [[3.0, 4], [0, 0]]).normalized()
    with pytest.raises(ValueError, match='row 1 is zero'):
        scale_rows(np.array([[1.0], [0]]))
    with pytest.raises(ValueError, match='norm=0: a length above 0'):
        scale_rows(np.ones((1, 1)), 0)


@pytest.mark.parametrize('suffix', ['.npz', '.txt'])
def test_written_tables_read_the_same(tmp_path, suffix) -> None:
    path = tmp_path / 'new' / f'v{suffix}'
    for _ in range(2):  # over the first
        write_word_vectors(path, WordVectors(('cat', 'hot dog', 'zebra', '7'), VECTORS))
    table = read_word_vectors(path)
    np.testing.assert_array_equal(table.vectors, VECTORS)
    np.testing.assert_array_equal(table.select(['hot dog'])[0], VECTORS[1])
    assert os.listdir(path.parent) == [path.name]


def test_background_is_written_or_refused(tmp_path) -> None:
    table = WordVectors(NAMES, VECTORS, background=VECTORS[2])
    write_word_vectors(tmp_path / 'v.npz', table)
    np.testing.assert_array_equal(read_word_vectors(tmp_path / 'v.npz').background, VECTORS[2])
    with pytest.raises(ValueError, match='no place for the background'):
        write_word_vectors(tmp_path / 'v.txt', table)
    with pytest.raises(ValueError, match=r'are written to \.npz or \.txt'):
        write_word_vectors(tmp_path / 'v.csv', table)
    assert os.listdir(tmp_path) == ['v.npz']


def test_vocabulary_of_any_format(file, tmp_path) -> None:
    np.testing.assert_array_equal(read_vocabulary(file('1,2,3\n4,5,6\n')), [[1, 4], [2, 5], [3, 6]])
    np.testing.assert_array_equal(read_vocabulary(file(_text())), VECTORS)
    with pytest.raises(FileNotFoundError, match='PL-ZSD_Release, as MSCOCO/vocabulary_w2v.txt'):
        read_vocabulary(tmp_path / 'vocabulary_w2v.txt')


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('', 'holds no word vectors. What is read'),
        ('# Title\n\nSome prose.\n', 'holds no word vectors'),
        (b'\x1f\x8b\x08\x00', r'is compressed: unpack it first'),
        ('cat 1 2 3\ndog 4 5\n', r"line 2: expected a word and 3 numbers, got 'dog 4 5"),
        ('cat 1 2 3\n\ndog 4 5 6 7\n', 'line 3: expected a word and 3 numbers'),
        ('cat 1 2\ndog 4 x\n', 'line 2: expected a word and 2 numbers'),
        ('2 2\ncat 1 2\ndog 1 2 3\n', 'line 3: expected a word and 2 numbers'),
        ('cat 1 2\ndog nan 3\n', "the vector of 'dog' is not finite"),
        ('1,2\n3\n', 'is no table of numbers'),
        (_binary()[:-9], 'is cut off: it ends within word 4 of 4'),
        (_binary()[:30], 'is cut off: it ends within word 2 of 4'),
        (b'PK\x03\x04nothing', 'cannot be read .* write it by np.savez'),
    ],
)
def test_files_that_cannot_be_read(file, content, message) -> None:
    with pytest.raises(ValueError, match=message):
        read_word_vectors(file(content))


def test_npz_with_the_wrong_content(tmp_path) -> None:
    path = tmp_path / 'v.npz'
    _npz(path, vectors=VECTORS)
    with pytest.raises(ValueError, match=r"must hold names and vectors.* got \['vectors'\]"):
        read_word_vectors(path)
    _npz(path, names=np.array(NAMES, object), vectors=VECTORS)
    with pytest.raises(ValueError, match='names as text, not as objects'):
        read_word_vectors(path)
    _npz(path, names=NAMES[:2], vectors=VECTORS)
    with pytest.raises(ValueError, match=r'2 names and vectors of shape \(4, 3\)'):
        read_word_vectors(path)


def test_mistakes_in_what_is_given(file, tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match='nothing.txt do not exist'):
        read_word_vectors(tmp_path / 'nothing.txt')
    with pytest.raises(ValueError, match='has names of its own'):
        read_word_vectors(file(_text()), names=['a'])
    with pytest.raises(ValueError, match='names are there twice: hot dog'):
        WordVectors(('hot dog', 'Hot_Dog'), [[1], [2]])
    with pytest.raises(
        ValueError, match=r'background of shape \(2,\) to vectors of shape \(1, 1\)'
    ):
        WordVectors(('a',), [[1]], background=[1, 2])


@pytest.mark.slow
def test_large_files_are_scanned_not_parsed(tmp_path) -> None:
    count, dim = 40_000, 300
    line = ' '.join(['0.12345'] * dim)
    path = tmp_path / 'large.txt'
    with open(path, 'w') as file:
        file.writelines(f'word{i} {line}\n' for i in range(count))
    start = time.process_time()
    table = read_word_vectors(path, wanted=['word39999'])
    assert table.names == ('word39999',)
    assert time.process_time() - start < 2  # parsing all of it takes ten times as long


@pytest.mark.parametrize('content', [_text(), _text(','), '4 3\n' + _text()])
def test_a_byte_order_mark_costs_no_word(file, content) -> None:
    path = file(content.encode('utf-8-sig'))
    assert [n.replace(' ', '_') for n in read_word_vectors(path).names] == list(NAMES)
    assert len(read_word_vectors(path, wanted=['cat']).names) == 1


def test_a_byte_order_mark_of_a_table_and_its_names(file, tmp_path) -> None:
    path = file('1,2\n3,4\n'.encode('utf-8-sig'))
    (tmp_path / 'names.txt').write_text('cat\ndog\n', 'utf-8-sig')
    table = read_word_vectors(path, names=tmp_path / 'names.txt')
    assert table.names == ('cat', 'dog') and table.vectors.tolist() == [[1, 3], [2, 4]]


def test_marks_on_letters_may_be_characters_of_their_own(file) -> None:
    composed, apart = 'p\u00e2t\u00e9', 'pa\u0302te\u0301'
    for stored, asked in ((composed, apart), (apart, composed)):
        path = file(f'{stored} 1 2\n')
        assert read_word_vectors(path, wanted=[asked]).select([asked]).tolist() == [[1, 2]]


def test_what_unpacks_to_many_times_its_size_is_refused_unread(tmp_path, monkeypatch) -> None:
    path = tmp_path / 'bomb.npz'
    np.savez_compressed(path, names=np.array(['a']), vectors=np.zeros((1, 20_000_000), np.float32))
    monkeypatch.setattr(np, 'load', lambda *args, **kwargs: pytest.fail('it is unpacked'))
    with pytest.raises(
        ValueError, match=r'bomb.npz cannot be read \(its \d+ bytes would unpack to 8'
    ):
        read_word_vectors(path)


def test_numbers_that_are_none_are_named(file, tmp_path) -> None:
    with pytest.raises(ValueError, match="vectors.any: the vector of 'column 2' is not finite"):
        read_vocabulary(file('1,nan\n2,3\n'))
    with pytest.raises(ValueError, match='the vector of the background is not finite'):
        WordVectors(('cat',), [[1, 2]], background=[np.nan, 1])
