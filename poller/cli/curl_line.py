"""One stored request as a curl line: what was kept of it, and the headers that the settings give it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from poller.cli.options import Options

if TYPE_CHECKING:
    from poller.config import Settings
    from poller.core.model import Source, Stream
    from poller.store.database import Database
    from poller.store.views_requests import RequestView


def show_curl(database: Database, settings: Settings, number: int, options: Options) -> None:
    """Write request ``number`` on stdout, and what came back as a comment below it."""
    from poller.cli.failures import UsageError
    from poller.cli.logs import REDACTOR
    from poller.cli.screen import note
    from poller.http.curl import as_answer, as_curl
    from poller.store.views_requests import request_view

    found = request_view(database, number)
    if found is None:
        raise UsageError(f"there is no request {number}", hint="`poller requests` lists them; old ones go")
    source, stream = _of_settings(settings, found)
    is_errand = _is_for_a_token(source, found)
    if is_errand:
        source = stream = None
    hidden = _secret_headers(source, stream)
    shown = [each for each in _plain_headers(source, stream) if each[0] not in hidden]
    headers = [*shown, *((name, "") for name in hidden)]
    answer = as_answer(
        found.status, found.duration, found.bytes_received, None, found.request_id, found.error
    )
    line = as_curl(found.method, found.url, headers, _body(stream), hidden=hidden)
    print(REDACTOR.clean(f"{line}\n{answer}"))
    if is_errand:
        note("it asked for a token: its headers and body hold the credential and are not kept", options)
    elif stream is None:
        note(f"the settings have no {found.stream} any more: its headers are missing", options)
    if hidden:
        note(f"fill in the *** of {', '.join(hidden)} before you run it, never before you send it", options)
    if _is_open(shown, stream):
        note("headers and bodies are not kept: fill in the braces that the settings have there", options)


_SECRET = re.compile(r"auth|key|token|secret|passw|session|cookie|credential|signature", re.IGNORECASE)
"""Names of headers that may hold a secret although it is written out in the settings."""


def _is_open(headers: Sequence[tuple[str, str]], stream: Stream | None) -> bool:
    """Whether something of the request is as the settings have it, and not as it was sent."""
    has_body = stream is not None and stream.template.body is not None
    return has_body or any("{" in value for _, value in headers)


def _is_for_a_token(source: Source | None, found: RequestView) -> bool:
    """Whether it went to where the credential asks for its token, and not to the stream's endpoint."""
    from poller.core.tokens import TokenAuth

    if source is None or not isinstance(source.auth, TokenAuth):
        return False
    target = source.auth.asks(lambda _secret: "").target
    return found.url in (target, source.base_url + target)


def _of_settings(settings: Settings, found: RequestView) -> tuple[Source | None, Stream | None]:
    for source in settings.sources:
        for stream in source.streams:
            if str(stream) == found.stream:
                return source, stream
    return None, None


def _plain_headers(source: Source | None, stream: Stream | None) -> Sequence[tuple[str, str]]:
    if source is None or stream is None:
        return ()
    plain = [(name, value) for name, value in source.headers if isinstance(value, str)]
    plain += stream.template.headers
    return [*plain, *([("Content-Type", "application/json")] if stream.template.body is not None else [])]


def _secret_headers(source: Source | None, stream: Stream | None) -> list[str]:
    """Names of the headers whose values are secrets, or may hold one."""
    if source is None or stream is None:
        return []
    plain = [*((name, value) for name, value in source.headers if isinstance(value, str))]
    names = [name for name, value in source.headers if not isinstance(value, str)]
    names += [name for name, _ in [*plain, *stream.template.headers] if _SECRET.search(name)]
    names += [name for name, _ in stream.secret_headers]
    return list(dict.fromkeys([*names, *_of_auth(source)]))


def _of_auth(source: Source) -> list[str]:
    from datetime import UTC, datetime

    from poller.core.tokens import Token, TokenAuth

    if source.auth is None:
        return []
    if isinstance(source.auth, TokenAuth):
        shown = source.auth.shown(Token("", datetime.now(UTC)))
        return [name for name, _ in shown]
    return [name for name, _ in source.auth.headers(lambda _secret: "")]


def _body(stream: Stream | None) -> bytes | None:
    if stream is None or stream.template.body is None:
        return None
    return json.dumps(stream.template.body, ensure_ascii=False).encode()
