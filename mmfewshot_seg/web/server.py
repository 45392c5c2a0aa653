"""HTTP server of the page: the standard library, no dependency."""

import json
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2

from mmfewshot_seg.apis.fewshot_inferencer import FewShotInferencer
from mmfewshot_seg.web.visits import Visits, start

MAX_BYTES = 256 * 2**20
_FILES = {
    '/': ('page.html', 'text/html'),
    '/page.js': ('page.js', 'text/javascript'),
    '/page.css': ('page.css', 'text/css'),
}


def make_server(
    inferencer: FewShotInferencer, host: str = '127.0.0.1', port: int = 7860
) -> ThreadingHTTPServer:
    """Server of the page; ``serve_forever`` starts it.

    Args:
        inferencer: Model that answers.
        host: Address to listen at; ``'0.0.0.0'`` lets others in, and there is no password.
        port: 0 takes any that is free; ``server_port`` of the server tells which.

    Raises:
        OSError: If the port is taken.
    """
    visits = Visits(inferencer)
    answers = {'/start': start, '/support': visits.support, '/segment': visits.segment}

    class PageHandler(_PageHandler):
        ANSWERS = answers

    return ThreadingHTTPServer((host, port), PageHandler)


class _PageHandler(BaseHTTPRequestHandler):
    """Files of the page by GET; answers to JSON by POST, keyword arguments in, values out."""

    ANSWERS: dict[str, Callable[..., dict]]

    def do_GET(self) -> None:
        if self.path not in _FILES:
            self._send(HTTPStatus.NOT_FOUND, b'not found', 'text/plain')
            return
        name, kind = _FILES[self.path]
        content = Path(__file__).with_name(name).read_bytes()
        self._send(HTTPStatus.OK, content, f'{kind}; charset=utf-8')

    def do_POST(self) -> None:
        try:
            status, answer = HTTPStatus.OK, self._answer()
        except (ValueError, TypeError, KeyError, AttributeError, cv2.error) as error:
            status, answer = HTTPStatus.BAD_REQUEST, dict(error=str(error))
        self._send(status, json.dumps(answer).encode(), 'application/json')

    def _answer(self) -> dict:
        # Other sites cannot send this type of content without asking, and nobody answers them.
        if self.headers.get('Content-Type') != 'application/json':
            raise ValueError('expected Content-Type: application/json')
        length = int(self.headers.get('Content-Length', 0))
        if length > MAX_BYTES:
            self.close_connection = True
            raise ValueError(f'more than {MAX_BYTES >> 20} MB: send fewer or smaller images')
        arguments = json.loads(self.rfile.read(length))
        if self.path not in self.ANSWERS:
            raise ValueError(f'no answer to {self.path}')
        return self.ANSWERS[self.path](**arguments)

    def _send(self, status: HTTPStatus, content: bytes, kind: str) -> None:
        with suppress(ConnectionError):  # the visitor has left
            self.send_response(status)
            self.send_header('Content-Type', kind)
            self.send_header('Content-Length', str(len(content)))
            self.send_header('Cache-Control', 'no-store')
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, *args) -> None:
        """Keep quiet about every request."""
