"""The log of a run gives back what was put in, as far as a killed run came."""

import numpy as np
from helpers.image_results import draw_labels, image_result

from mmfewshot_seg.results.result_log import ResultLog


def same(one, two) -> bool:
    """Whether instances are alike."""
    fields = ('label', 'class_name', 'score', 'area', 'rle')
    return (
        all(getattr(one, name) == getattr(two, name) for name in fields)
        and list(one.box) == list(two.box)
        and np.array_equal(one.mask, two.mask)
    )


def test_what_was_put_in_comes_back(tmp_path) -> None:
    log = ResultLog(tmp_path / 'new/log.jsonl')
    assert list(log) == []
    results = [
        image_result(draw_labels(), 'a', '/Bilder/Möwe.jpg'),
        image_result(draw_labels()[:, ::-1], 'b'),
    ]
    for result in results:
        log.add(result)
    for found, expected in zip(log, results, strict=True):
        assert (found.name, found.path) == (expected.name, expected.path)
        assert tuple(found.size) == expected.size
        assert tuple(found.class_names) == expected.class_names
        assert all(same(*pair) for pair in zip(found.instances, expected.instances, strict=True))


def test_a_torn_line_is_no_result_and_the_last_one_counts(tmp_path) -> None:
    labels, path = draw_labels(), tmp_path / 'log.jsonl'
    log = ResultLog(path)
    log.add(image_result(labels, 'a'))
    log.add(image_result(labels, 'b'))
    whole = path.read_bytes()
    for length in range(len(whole) - 2, whole.rindex(b'\n'), -97):
        path.write_bytes(whole[:length])
        log = ResultLog(path)
        log.resume()
        assert [result.name for result in log] == ['a']
    log.add(image_result(labels * 0, 'a'))
    (found,) = log
    assert found.instances == []
    assert list(ResultLog(path)) == []  # begins anew
