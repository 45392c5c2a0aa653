"""The page's server over HTTP."""

import json
import runpy
import sys
import urllib.error
import urllib.request
from pathlib import Path
from threading import Thread

import pytest
from helpers.fewshot_models import fewshot_inferencer

from mmfewshot_seg.web import make_server

PANET = ['--model', 'panet_r18-d8_1xb8-350_drawn']


def test_server_serves_the_page_and_refuses_the_rest(tmp_path) -> None:
    inferencer = fewshot_inferencer(tmp_path)
    server = make_server(inferencer, port=0)
    Thread(target=server.serve_forever, daemon=True).start()
    address = f'http://127.0.0.1:{server.server_port}'

    def post(path: str, body: bytes, kind='application/json'):
        request = urllib.request.Request(address + path, body, {'Content-Type': kind})
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    try:
        for path in ('/', '/page.js', '/page.css'):
            with urllib.request.urlopen(address + path) as answer:
                assert answer.status == 200 and len(answer.read()) > 500
        with pytest.raises(urllib.error.HTTPError, match='404'):
            urllib.request.urlopen(address + '/../server.py')
        assert post('/start', b'{}')[0] == 200
        assert post('/start', b'{}', 'text/plain')[0] == 400
        assert post('/support', b'no json')[0] == 400
        assert post('/segment', b'{"support": "x"}')[0] == 400
        assert post('/other', b'{}') == (400, dict(error='no answer to /other'))
        status, answer = post('/support', json.dumps(dict(supports=[])).encode())
        assert status == 400 and '1 to 254 classes' in answer['error']
        with pytest.raises(OSError):
            make_server(inferencer, port=server.server_port)
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--model', 'no.py'], 'no.py is neither a config file nor the name of a config'),
        ([*PANET, '--weights', 'no.pth'], 'checkpoint no.pth does not exist'),
        (PANET, 'come from training alone: give a checkpoint'),
        (['--weights', 'no.pth'], '--weights needs --model'),
    ],
)
def test_mistakes_with_the_tool_are_told_in_a_line(arguments, message, monkeypatch, capsys) -> None:
    tool = str(Path(__file__).parents[2] / 'tools/web.py')
    monkeypatch.setattr(sys, 'argv', [tool, *arguments])
    with pytest.raises(SystemExit) as exit_:
        runpy.run_path(tool, run_name='__main__')
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
