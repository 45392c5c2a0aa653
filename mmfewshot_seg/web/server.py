"""HTTP server of the page: the standard library, no dependency; it imports in no time.

Nothing a visitor sends holds it: sizes, times and the number of connections have limits, and every
request that can be answered gets an answer in JSON.
"""

import errno
import ipaddress
import json
import socket
import sys
import traceback
from collections.abc import Callable, Collection, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import BoundedSemaphore, Timer
from urllib.parse import urlsplit

MAX_BYTES = 128 * 2**20
MAX_CONNECTIONS = 32
IDLE_SECONDS = 10  # without a byte, before the request is whole
REQUEST_SECONDS = 120  # until the request is whole
ANSWER_SECONDS = 120  # until the answer has been fetched

Answers = Mapping[str, Callable[[dict], dict]]

_FOLDER = Path(__file__).with_name('page')
_FILES = {f'/{path.name}': path for path in _FOLDER.iterdir() if path.is_file()}
_FILES['/'] = _FOLDER / 'index.html'
_KINDS = {'.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css'}
_HEADERS = {
    'Cache-Control': 'no-store',
    'Content-Security-Policy': (
        "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'; base-uri 'none'"
    ),
    'X-Content-Type-Options': 'nosniff',
}


class RefusedError(Exception):
    """A request that gets another status than 400."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class PageServer(ThreadingHTTPServer):
    """Server of the page. It takes the port at once; ``serve_forever`` answers.

    Args:
        host: Address to listen at; ``'0.0.0.0'`` lets others in, and there is no password.
        port: 0 takes any that is free; ``server_port`` tells which.
        allowed_hosts: Names by which visitors reach the page, beside addresses and ``localhost``.
            Another site can lend its name to this address (DNS rebinding) and would then be asked
            as if it were the page: requests to other names are refused.

    Attributes:
        answers: What answers to JSON by POST, by path; it takes the object that was sent and raises
            ``ValueError`` for a visitor's mistakes. To be set before serving.

    Raises:
        OSError: If the port is taken or the address unknown.
        OverflowError: If the port is no number from 0 to 65535.
    """

    daemon_threads = True
    request_queue_size = MAX_CONNECTIONS

    def __init__(
        self,
        host: str = '127.0.0.1',
        port: int = 7860,
        allowed_hosts: Collection[str] = (),
    ) -> None:
        self.answers: Answers = {}
        self.allowed_hosts = {'localhost', *(name.lower() for name in allowed_hosts)}
        self._free = BoundedSemaphore(MAX_CONNECTIONS)
        if ':' in host:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((host, port), _PageHandler)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            cure = 'is taken: end what listens there, or choose another with --port (0: any)'
            message = cure if taken else f'cannot be listened at ({error.strerror})'
            raise OSError(f'port {port} of {host} {message}') from error

    def process_request(self, request: socket.socket, client_address) -> None:
        """Answer in a thread of its own; too many at once are turned away."""
        if self._free.acquire(blocking=False):
            try:
                super().process_request(request, client_address)
            except RuntimeError:  # no thread can be started
                self._free.release()
                raise
            return
        with suppress(OSError):
            request.settimeout(1)
            request.sendall(b'HTTP/1.0 503 Service Unavailable\r\nRetry-After: 10\r\n\r\n')
        self.shutdown_request(request)

    def process_request_thread(self, request: socket.socket, client_address) -> None:
        """Answer, then make room for the next."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: socket.socket, client_address) -> None:
        """Keep quiet about visitors who left; everything else is a bug, and shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _PageHandler(BaseHTTPRequestHandler):
    """Files of the page by GET, answers by POST; a connection serves one request."""

    server: PageServer
    timeout = IDLE_SECONDS

    def handle(self) -> None:
        # What ends the reading also ends the drip of a byte now and then.
        self._deadline = Timer(REQUEST_SECONDS, self._stop_reading)
        self._deadline.daemon = True
        self._deadline.start()
        self._unread = False
        try:
            super().handle()
            if self._unread:
                self._take_the_rest()
        finally:
            self._deadline.cancel()

    def _stop_reading(self) -> None:
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RD)

    def _take_the_rest(self) -> None:
        """A connection closed with content unread would be reset, and the answer lost."""
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(1)
            while self.connection.recv(2**20):
                pass

    def do_GET(self) -> None:
        with self._told_of_errors():
            self._check_origin()
            path = _FILES.get(urlsplit(self.path).path)
            if path is None:
                raise RefusedError(HTTPStatus.NOT_FOUND, f'there is no {self.path}')
            self._send(HTTPStatus.OK, path.read_bytes(), _KINDS[path.suffix])

    def do_POST(self) -> None:
        self._unread = True
        with self._told_of_errors():
            self._check_origin()
            answer = self._answer_to()
            self._send_json(HTTPStatus.OK, answer(self._content()))

    @contextmanager
    def _told_of_errors(self):
        try:
            yield
        except RefusedError as error:
            self._send_json(error.status, dict(error=str(error)))
        except ValueError as error:
            self._send_json(HTTPStatus.BAD_REQUEST, dict(error=str(error)))
        except Exception as error:  # a bug: the visitor is told, the terminal shows it
            traceback.print_exc()
            message = f'the server failed: {type(error).__name__}: {error}'
            self._send_json(HTTPStatus.INTERNAL_SERVER_ERROR, dict(error=message))

    def _check_origin(self) -> None:
        host = self.headers.get('Host', '')
        if not self._is_allowed(host):
            raise RefusedError(
                HTTPStatus.MISDIRECTED_REQUEST,
                f'this page is not served under the name {host!r}; if it is to be, start it with '
                f'--allow-host {_host_name(host)}',
            )
        origin = self.headers.get('Origin')
        if origin is not None:
            there = urlsplit(origin).netloc
            if there != host and _host_name(there) not in self.server.allowed_hosts - {'localhost'}:
                raise RefusedError(HTTPStatus.FORBIDDEN, f'{origin} may not ask this page')

    def _is_allowed(self, host: str) -> bool:
        name = _host_name(host)
        with suppress(ValueError):
            ipaddress.ip_address(name)  # nobody can lend it to another address
            return True
        return name in self.server.allowed_hosts

    def _answer_to(self) -> Callable[..., dict]:
        # Other sites cannot send this type of content without asking, and nobody answers them.
        if self.headers.get_content_type() != 'application/json':
            raise RefusedError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, 'expected Content-Type: application/json'
            )
        if self.path not in self.server.answers:
            raise RefusedError(HTTPStatus.NOT_FOUND, f'no answer to {self.path}')
        return self.server.answers[self.path]

    def _content(self) -> dict:
        length = self.headers.get('Content-Length', '')
        if not (length.isascii() and length.isdecimal()):
            raise ValueError(f'Content-Length must be a number of bytes, got {length!r}')
        if int(length) > MAX_BYTES:
            raise RefusedError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f'more than {MAX_BYTES >> 20} MB: send fewer or smaller files',
            )
        late = RefusedError(HTTPStatus.REQUEST_TIMEOUT, 'the request was not whole in time')
        try:
            body = self.rfile.read(int(length))
        except TimeoutError:
            raise late from None
        if len(body) < int(length):
            raise late
        self._unread = False
        self._deadline.cancel()
        try:
            content = json.loads(body)
        except RecursionError:
            raise ValueError('the JSON is nested too deeply') from None
        except ValueError as error:
            raise ValueError(f'the request is no JSON: {error}') from None
        if not isinstance(content, dict):
            raise ValueError('the request must be a JSON object with fields')
        return content

    def _send_json(self, status: HTTPStatus, answer: dict) -> None:
        self._send(status, json.dumps(answer).encode(), 'application/json')

    def _send(self, status: HTTPStatus, content: bytes, kind: str) -> None:
        self.close_connection = True
        with suppress(OSError):  # the visitor has left, or does not fetch the answer
            self.connection.settimeout(ANSWER_SECONDS)
            self.send_response(status)
            self.send_header('Content-Type', f'{kind}; charset=utf-8')
            self.send_header('Content-Length', str(len(content)))
            for name, value in _HEADERS.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, *args) -> None:
        """Keep quiet about every request."""


def _host_name(host: str) -> str:
    """Name or address without port; IPv6 addresses lose their brackets."""
    with suppress(ValueError):  # an odd port or bracket
        return (urlsplit(f'//{host}').hostname or '').lower()
    return ''
