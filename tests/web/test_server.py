"""The page's server over HTTP: what it serves, and what no visitor can do to it."""

import json
import runpy
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest

from mmfewshot_seg.web import PageServer, server

PANET = ['--model', 'panet_r18-d8_1xb8-350_drawn']
TOOL = str(Path(__file__).parents[2] / 'tools/web.py')


def _echo(request: dict) -> dict:
    if 'bug' in request:
        raise KeyError('bug')
    if 'mistake' in request:
        raise ValueError('the field mistake')
    return request


@pytest.fixture
def served():
    """A server with an answer that gives back what it gets."""
    with PageServer(port=0, allowed_hosts=['lab.example']) as page:
        page.answers = {'/echo': _echo}
        thread = Thread(target=page.serve_forever, args=(0.01,))
        thread.start()
        yield page
        page.shutdown()
        thread.join()


def _post(
    served, content: bytes, path='/echo', kind='application/json', **headers
) -> tuple[int, dict]:
    headers = {'Content-Type': kind, **{name.replace('_', '-'): v for name, v in headers.items()}}
    request = urllib.request.Request(f'http://127.0.0.1:{served.server_port}{path}', content)
    for name, value in headers.items():
        request.add_header(name, value)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def _connect(served) -> socket.socket:
    return socket.create_connection(('127.0.0.1', served.server_port), timeout=20)


def _raw(served, *lines: str, content: bytes = b'') -> tuple[int, dict]:
    """Answer to a request as no library would send it."""
    with closing(_connect(served)) as connection:
        head = ''.join(f'{line}\r\n' for line in (*lines, ''))
        connection.sendall(head.encode() + content)
        answer = b''
        while part := connection.recv(2**16):
            answer += part
    head, _, content = answer.partition(b'\r\n\r\n')
    return int(head.split()[1]), json.loads(content)


def test_the_page_is_served_and_nothing_else(served) -> None:
    address = f'http://127.0.0.1:{served.server_port}'
    page = urllib.request.urlopen(address).read().decode()
    for path in ('/', '/page.js', '/page.css'):
        with urllib.request.urlopen(address + path) as answer:
            assert answer.status == 200 and len(answer.read()) > 500
            assert "default-src 'self'" in answer.headers['Content-Security-Policy']
    assert 'page.js' in page and 'page.css' in page
    for path in ('/../server.py', '/server.py', '/page/page.js', '//page.js/..'):
        with pytest.raises(urllib.error.HTTPError, match='404'):
            urllib.request.urlopen(address + path)


def test_answers_mistakes_and_bugs_have_their_status(served, capsys) -> None:
    assert _post(served, b'{"a": [1, null]}') == (200, {'a': [1, None]})
    assert _post(served, b'{"mistake": 1}') == (400, {'error': 'the field mistake'})
    assert _post(served, b'{}', path='/other') == (404, {'error': 'no answer to /other'})
    assert _post(served, b'{}', kind='text/plain')[0] == 415
    assert capsys.readouterr().err == ''
    status, answer = _post(served, b'{"bug": 1}')
    assert status == 500 and 'KeyError' in answer['error']
    assert 'KeyError' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'no json', 'no JSON'),
        (b'\xff\xfe', 'no JSON'),
        (b'', 'no JSON'),
        (b'[]', 'object'),
        (b'5', 'object'),
        (b'null', 'object'),
        (b'[' * 200_000, 'nested too deeply'),
        (b'{"a":' * 200_000 + b'1' + b'}' * 200_000, 'nested too deeply'),
        (b'{"a":' + b'1' * 10_000 + b'}', 'no JSON'),
    ],
)
def test_what_is_no_json_object_is_refused(served, content, message) -> None:
    status, answer = _post(served, content)
    assert status == 400 and message in answer['error']


@pytest.mark.parametrize('length', ['-1', 'x', '1e3', '', '+2', '0x10', '1 2', '9' * 5000])
def test_odd_lengths_are_refused(served, length) -> None:
    lines = 'Host: localhost', 'Content-Type: application/json', f'Content-Length: {length}'
    status, answer = _raw(served, 'POST /echo HTTP/1.0', *lines, content=b'{}')
    assert status == 400 and answer['error']


def test_a_request_without_length_is_refused(served) -> None:
    lines = 'Host: localhost', 'Content-Type: application/json', 'Transfer-Encoding: chunked'
    status, answer = _raw(served, 'POST /echo HTTP/1.1', *lines, content=b'2\r\n{}\r\n0\r\n\r\n')
    assert status == 400 and 'Content-Length' in answer['error']


def test_too_much_is_refused_unread_and_the_visitor_is_told(served, monkeypatch) -> None:
    monkeypatch.setattr(server, 'MAX_BYTES', 2**20)
    status, answer = _post(served, b' ' * (8 * 2**20))
    assert status == 413 and 'more than 1 MB' in answer['error']
    assert _post(served, b'{"a": 1}' + b' ' * (2**20 - 8))[0] == 200


@pytest.mark.parametrize('host', ['evil.example', 'evil.example:7860', '127.0.0.1.evil.example'])
def test_other_names_for_this_address_are_refused(served, host) -> None:
    status, answer = _post(served, b'{}', Host=host)
    assert status == 421 and f'--allow-host {host.partition(":")[0]}' in answer['error']
    assert _raw(served, 'GET / HTTP/1.0', f'Host: {host}')[0] == 421


def test_a_request_without_host_is_refused(served) -> None:
    assert _raw(served, 'GET / HTTP/1.0')[0] == 421


@pytest.mark.parametrize(
    'host', ['localhost', 'LOCALHOST:1', '127.0.0.1:80', '192.168.1.5', '[::1]:7860', 'lab.example']
)
def test_addresses_and_allowed_names_are_answered(served, host) -> None:
    assert _post(served, b'{}', Host=host)[0] == 200


def test_other_sites_may_not_ask(served) -> None:
    here = f'127.0.0.1:{served.server_port}'
    assert _post(served, b'{}', Origin=f'http://{here}')[0] == 200
    for origin in ('http://evil.example', 'null', 'http://localhost:1', f'http://{here}.example'):
        status, answer = _post(served, b'{}', Origin=origin)
        assert status == 403 and origin in answer['error']
    assert _post(served, b'{}', Origin='https://lab.example')[0] == 200  # behind a proxy


def test_idle_connections_are_closed(served, monkeypatch) -> None:
    monkeypatch.setattr(server._PageHandler, 'timeout', 0.3)
    begin = time.monotonic()
    with closing(_connect(served)) as connection:
        assert connection.recv(1) == b''
    lines = 'Host: localhost', 'Content-Type: application/json', 'Content-Length: 100'
    status, answer = _raw(served, 'POST /echo HTTP/1.0', *lines, content=b'{')
    assert status == 408 and 'in time' in answer['error']
    assert time.monotonic() - begin < 10


def test_a_drip_of_bytes_holds_a_connection_only_so_long(served, monkeypatch) -> None:
    monkeypatch.setattr(server, 'REQUEST_SECONDS', 0.5)
    lines = 'POST /echo HTTP/1.0', 'Host: localhost', 'Content-Type: application/json'
    for head in ('POST', '\r\n'.join((*lines, 'Content-Length: 100', '', ''))):
        begin = time.monotonic()
        with closing(_connect(served)) as connection:
            connection.sendall(head.encode())
            connection.settimeout(0.05)
            while time.monotonic() - begin < 15:
                try:
                    connection.sendall(b' ')
                    connection.recv(2**16)
                    break
                except TimeoutError:
                    continue
                except ConnectionError:
                    break
        assert 0.3 < time.monotonic() - begin < 10


def test_connections_are_bounded_and_there_is_room_again(monkeypatch) -> None:
    monkeypatch.setattr(server, 'MAX_CONNECTIONS', 2)
    with PageServer(port=0) as page:
        begun, go = Event(), Event()

        def wait(request: dict) -> dict:
            begun.set()
            assert go.wait(20)
            return {}

        page.answers = {'/echo': wait}
        thread = Thread(target=page.serve_forever, args=(0.01,))
        thread.start()
        try:
            answered = []
            visitor = Thread(target=lambda: answered.append(_post(page, b'{}')))
            visitor.start()
            assert begun.wait(20)
            with closing(_connect(page)), closing(_connect(page)) as third:
                assert third.recv(100).startswith(b'HTTP/1.0 503')
            go.set()
            visitor.join()
            assert answered == [(200, {})]
            deadline = time.monotonic() + 20
            while True:  # the thread of the idle connection ends a moment later
                try:
                    assert _post(page, b'{}') == (200, {})
                    break
                except (ValueError, OSError):
                    assert time.monotonic() < deadline
        finally:
            go.set()
            page.shutdown()
            thread.join()


def test_a_taken_port_is_named(served) -> None:
    with pytest.raises(OSError, match=f'port {served.server_port} of 127.0.0.1 is taken.*--port'):
        PageServer(port=served.server_port)
    with pytest.raises(OSError, match=r'port \d+ of 192\.0\.2\.1 cannot be listened at'):
        PageServer('192.0.2.1', served.server_port)


def test_the_tool_finds_a_taken_port_before_it_imports_anything_slow(served) -> None:
    code = (
        f'import runpy, sys; sys.argv = ["web.py", "--port", "{served.server_port}"]\n'
        f'try: runpy.run_path({TOOL!r}, run_name="__main__")\n'
        'except SystemExit as stop: assert stop.code == 2\n'
        'assert not {"torch", "mmengine", "cv2"} & sys.modules.keys()'
    )
    run = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stderr.startswith(f'web: port {served.server_port} of 127.0.0.1 is taken')
    assert len(run.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--model', 'no.py'], 'no.py is neither a config file nor the name of a config'),
        ([*PANET, '--weights', 'no.pth'], 'checkpoint no.pth does not exist'),
        (PANET, 'come from training alone: give a checkpoint'),
        (['--weights', 'no.pth'], '--weights needs --model'),
        (['--port', '99999'], '65535'),
    ],
)
def test_mistakes_with_the_tool_are_told_in_a_line(arguments, message, monkeypatch, capsys) -> None:
    port = [] if '--port' in arguments else ['--port', '0']
    monkeypatch.setattr(sys, 'argv', [TOOL, *arguments, *port])
    with pytest.raises(SystemExit) as exit_:
        runpy.run_path(TOOL, run_name='__main__')
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
