"""A paged API of values, spoken to over a real connection."""

from __future__ import annotations

import threading
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from poller.core.position import SECOND
from poller.core.request import Request
from tests.core.model_api import ModelApi


class ModelServer:
    """Serves ``api`` on a loopback port until closed. One request is answered at a time."""

    def __init__(self, api: ModelApi) -> None:
        self.api = api
        self.defects: list[Exception] = []
        turn = threading.Lock()
        outer = self

        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                asked = urlsplit(self.path)
                request = Request(
                    "GET", asked.path, tuple(parse_qsl(asked.query)), tuple(self.headers.items())
                )
                with turn:
                    try:
                        answer = outer.api.answer(request)
                    except Exception as defect:
                        outer.defects.append(defect)
                        raise
                self.send_response_only(answer.status)
                if answer.date is not None:
                    self.send_header("Date", formatdate(answer.date // SECOND, usegmt=True))
                for name, value in answer.headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name of the base)
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        if error is None and self.defects:
            raise AssertionError(f"the model failed: {self.defects[0]!r}") from self.defects[0]
