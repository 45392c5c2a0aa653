"""All faults of a COCO json, and the file without those that can be left out."""

import json

import pytest
from helpers.coco_folder import draw_coco_folder
from helpers.tool_calls import call_tool

from mmfewshot_seg.datasets.coco_report import report_coco


@pytest.fixture
def folder(tmp_path):
    draw_coco_folder(tmp_path)
    return tmp_path


def _change(folder, change) -> str:
    path = folder / 'annotations' / 'instances_train.json'
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return str(path)


def _degrade(content: dict) -> None:
    content['annotations'][0]['segmentation'] = []
    content['annotations'][2]['segmentation'] = None
    content['annotations'][3]['bbox'] = [500, 0, 4, 4]
    content['images'][3]['height'] += 1


def test_a_good_file_has_no_faults(folder):
    report = report_coco(_change(folder, lambda content: None), folder / 'train')
    assert not report.breaks and str(report).endswith('6 annotations\n  no faults')


def test_a_line_for_every_kind(folder):
    report = report_coco(_change(folder, _degrade), folder / 'train')
    assert report.breaks
    _, *lines = str(report).splitlines()
    assert [line[:40] for line in lines] == [
        '  fault: 2 x annotation without a mask, ',
        '  note: 1 x box of less than a pixel, or',
        '  fault: 1 x image of another size than ',
    ]


def test_boxes_alone(folder):
    report = report_coco(_change(folder, _degrade), masks=False)
    assert not report.breaks and len(report.faults) == 1


def test_the_tool_writes_a_clean_file(folder, capsys):
    path = _change(folder, lambda content: content['annotations'][0].update(segmentation=[]))
    clean = folder / 'clean.json'
    assert call_tool('check_coco', path, '--images', folder / 'train') == 2
    assert '1 x annotation without a mask' in capsys.readouterr().out
    assert call_tool('check_coco', path, '--write', clean) == 0
    assert f'{clean}: written without 1 annotations' in capsys.readouterr().out
    assert [a['id'] for a in json.loads(clean.read_text())['annotations']] == [2, 11, 12, 21, 22]
    assert not report_coco(clean).breaks


def test_the_tool_names_what_it_cannot_read(folder, capsys):
    assert call_tool('check_coco', folder / 'train' / '0.png') == 2
    err = capsys.readouterr().err
    assert err.startswith('check_coco: ') and '0.png cannot be read as json' in err
