"""Lists of a json, entry by entry: equal to the json parser's, whatever the blocks."""

import json

import pytest

from mmfewshot_seg.files import json_stream
from mmfewshot_seg.files.json_stream import stream_lists

CONTENT = {
    'info': {'a': [1, {'b': 'x]},"'}]},
    'images': [{'id': 1, 'name': 'é"\\ü'}, {'id': 22, 'w': 1.5e-3}, 12345, 'text', None, [[], {}]],
    'empty': [],
    'other': 678,
    'annotations': [],
    'last': [1, 2],
}


@pytest.mark.parametrize('block', [1, 2, 7, 1 << 20])
@pytest.mark.parametrize('options', [{}, dict(indent=3), dict(ensure_ascii=False)])
def test_entries_are_those_of_the_parser(tmp_path, monkeypatch, block, options) -> None:
    monkeypatch.setattr(json_stream, 'BLOCK', block)
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(CONTENT, **options) + '\n ', 'utf-8-sig')
    found = list(stream_lists(path, ('last', 'images', 'annotations', 'absent')))
    expected = [(key, entry) for key in ('images', 'last') for entry in CONTENT[key]]
    assert found == expected


@pytest.mark.parametrize(
    'text',
    [
        '',
        '[1]',
        '{"a": [1, 2}',
        '{"a": [1 2]}',
        '{"a": [1,]}',
        '{"a": [1],}',
        '{"a": [1]',
        '{"a": [1]} x',
        '{"a": [1], "a": [2]}',
        '{"a": {"b": 1}}',
        '{"a": [NaN]}',
        '{"a": [xyz]}',
        '{1: [1]}',
        '{"b": Infinity}',
    ],
)
@pytest.mark.parametrize('block', [1, 1 << 20])
def test_what_is_no_such_json_is_refused(tmp_path, monkeypatch, block, text) -> None:
    monkeypatch.setattr(json_stream, 'BLOCK', block)
    path = tmp_path / 'a.json'
    path.write_text(text)
    with pytest.raises(ValueError):  # noqa: PT011, messages are those of json
        list(stream_lists(path, ('a',)))


def test_entries_come_before_the_file_is_read(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(json_stream, 'BLOCK', 16)
    path = tmp_path / 'a.json'
    path.write_text('{"a": [' + '{"b": 1}, ' * 1000 + 'broken')
    entries = stream_lists(path, ('a',))
    assert [next(entries) for _ in range(3)] == [('a', {'b': 1})] * 3
    assert len(json_stream.__doc__) and entries.gi_frame.f_locals['text'].file.tell() < 200
