"""Who asks is said in headers, read again when it is refused, and never written down."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from poller.auth.api_key import ApiKey
from poller.auth.basic import Basic
from poller.auth.bearer import Bearer
from poller.core.errors import Category, FetchError
from poller.core.model import Retry, Reveal, Secret
from poller.core.page import Page
from tests.http.world import Answer, Asked, Stage, reply, says, stream

KEY = "k3y/+with=odd&chars"


def only_for(key: str) -> Answer:
    """Answers 401, echoing what it was given, unless the key is right."""

    def answer(asked: Asked, connection: object) -> None:
        given = asked.headers.get("x-api-key", "")
        refusal = reply(401, f"bad key {given}".encode())
        connection.sendall(reply() if given == key else refusal)  # type: ignore[attr-defined]

    return answer


def test_every_header_goes_out_and_the_credential_has_the_last_word(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "tenant").write_text("acme\n")
    server = stage.server(says(reply()))
    world = stage.world(
        server.origin,
        auth=Bearer(token=Secret("t0ken")),
        headers=(("Accept", "application/vnd.shop+json"), ("X-Tenant", Secret(f"file:{tmp_path}/tenant"))),
    )

    world.fetch(
        method="POST",
        body=b"{}",
        headers=(
            ("X-Tenant", "globex"),
            ("authorization", "mine"),
            ("Accept-Encoding", "br"),
            ("Host", "evil"),
        ),
    )

    sent = server.asked[0].headers
    assert (sent["accept"], sent["x-tenant"], sent["authorization"]) == (
        "application/vnd.shop+json",
        "globex",
        "Bearer t0ken",
    )
    assert (sent["accept-encoding"], sent["content-type"]) == ("gzip", "application/json")
    assert sent["host"] in server.origin
    assert sent["user-agent"].startswith("poller/")


def test_a_key_that_was_rotated_costs_one_refused_request(stage: Stage, tmp_path: Path) -> None:
    kept = tmp_path / "key"
    kept.write_text("old-key\n")
    server = stage.server(only_for("new-key"))
    world = stage.world(server.origin, auth=ApiKey(value=Secret(f"file:{kept}")))
    with pytest.raises(FetchError):
        world.fetch()
    kept.write_text("new-key\n")

    pages = [world.fetch(), world.fetch()]

    assert all(isinstance(page, Page) for page in pages)
    assert [attempt.status for attempt in world.attempts] == [401, 401, 401, 200, 200]


def test_a_key_that_stays_wrong_is_tried_twice_and_no_more(stage: Stage) -> None:
    server = stage.server(only_for("right-key"))
    world = stage.world(server.origin, auth=ApiKey(value=Secret("wrong-key")))

    with pytest.raises(FetchError, match="HTTP 401") as caught:
        world.fetch(asks=stream(retry=Retry(attempts=5)))

    assert caught.value.category is Category.AUTHENTICATION
    assert caught.value.status == 401
    assert "wrong-key" not in str(caught.value)
    assert len(server.asked) == 2


def test_a_second_refusal_later_in_the_same_request_ends_it(stage: Stage) -> None:
    server = stage.server(says(reply(401), reply(503), reply(401), reply()))
    world = stage.world(server.origin, auth=Bearer(token=Secret("t0p-secret")))
    patient = Retry(attempts=5, initial=timedelta(seconds=0.01))

    with pytest.raises(FetchError) as caught:
        world.fetch(asks=stream(retry=patient))

    assert caught.value.category is Category.AUTHENTICATION
    assert len(server.asked) == 3


def test_the_credential_is_not_read_for_each_request(stage: Stage) -> None:
    readings: list[str] = []

    class Counted:
        def headers(self, reveal: Reveal) -> Sequence[tuple[str, str]]:
            readings.append(reveal(Secret("some-key")))
            return ()

    world = stage.world(stage.server(says(reply())).origin, auth=Counted())

    for _ in range(3):
        world.fetch()
    world.voice.reread_credentials()
    world.fetch()

    assert readings == ["some-key"] * 2


def test_many_refused_at_once_read_the_credential_once(stage: Stage, tmp_path: Path) -> None:
    kept = tmp_path / "key"
    kept.write_text("old-key")
    readings: list[str] = []

    class Counted:
        def headers(self, reveal: Reveal) -> Sequence[tuple[str, str]]:
            readings.append(reveal(Secret(f"file:{kept}")))
            return (("X-API-Key", readings[-1]),)

    server = stage.server(only_for("new-key"))
    world = stage.world(server.origin, auth=Counted(), concurrency=8)
    with pytest.raises(FetchError):
        world.fetch()
    kept.write_text("new-key")
    readings.clear()

    with ThreadPoolExecutor(8) as threads:
        pages = list(threads.map(lambda _: world.fetch(), range(8)))

    assert all(isinstance(page, Page) for page in pages)
    assert len(readings) == 1


def test_a_credential_that_cannot_be_read_is_an_authentication_failure(stage: Stage, tmp_path: Path) -> None:
    server = stage.server(says(reply()))
    world = stage.world(server.origin, auth=Bearer(token=Secret(f"file:{tmp_path}/gone")))

    with pytest.raises(FetchError, match="gone cannot be read: No such file") as caught:
        world.fetch()

    assert caught.value.category is Category.AUTHENTICATION
    assert server.asked == []


def test_a_header_value_that_cannot_be_sent_is_not_shown(stage: Stage) -> None:
    server = stage.server(says(reply()))
    world = stage.world(server.origin)

    with pytest.raises(FetchError, match="header X-Cursor has a character") as caught:
        world.fetch(headers=(("X-Cursor", "a\r\nX-Evil: hunter2"),))

    assert "hunter2" not in str(caught.value)
    assert server.asked == []


def test_secrets_are_in_no_log_message_attempt_or_debug_line(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = stage.server(only_for("another"))
    world = stage.world(server.origin, auth=ApiKey(value=Secret(KEY)))

    with pytest.raises(FetchError) as caught:
        world.fetch(f"/things?k={quote(KEY, safe='')}", params=(("api_key", "abc123"), ("q", KEY)))

    written = caplog.text + str(caught.value) + str(world.attempts) + "\n".join(world.debug)
    assert server.asked[0].headers["x-api-key"] == KEY
    assert "HTTP Request: GET" in caplog.text
    assert "receive_response_headers" in caplog.text
    assert "X-API-Key: ***" in world.debug[0]
    for form in (KEY, quote(KEY), quote(KEY, safe=""), "abc123", base64.b64encode(KEY.encode()).decode()):
        assert form not in written


def test_a_page_that_is_kept_has_no_secrets(stage: Stage) -> None:
    server = stage.server(says(reply(200, b"<html>your token t0p-secret</html>")))
    world = stage.world(server.origin, auth=Bearer(token=Secret("t0p-secret")))

    with pytest.raises(FetchError) as caught:
        world.fetch()

    assert caught.value.body == b"<html>your token ***</html>"


def test_a_server_date_and_request_id_reach_the_page(stage: Stage) -> None:
    date = "Date: Sat, 21 Nov 2026 12:00:00 GMT"
    server = stage.server(says(reply(200, json.dumps([1]).encode(), date, "x-request-id: r-1")))
    world = stage.world(server.origin, request_id_header="X-Request-ID")

    page = world.fetch()

    assert isinstance(page, Page)
    assert (page.date, page.request_id) == (1_795_262_400_000_000_000, "r-1")
    assert page.requested_at == world.attempts[0].sent_at
    assert world.attempts[0].request_id == "r-1"


def test_debug_shows_the_request_as_curl_and_its_answer(stage: Stage) -> None:
    server = stage.server(says(reply(200, b"[1]", "X-Request-ID: r-1")))
    world = stage.world(
        server.origin, auth=Bearer(token=Secret("t0p-secret")), request_id_header="X-Request-ID"
    )

    world.fetch("/things", params=(("q", "it's"),), method="POST", body=b'{"a":1}')

    request, answer = world.debug
    assert request.startswith(f"curl --compressed -X POST '{server.origin}/things?q=it%27s' ")
    assert "-H 'Authorization: ***'" in request
    assert """--data-raw '{"a":1}'""" in request
    assert answer.startswith("# 200 in 0.")
    assert answer.endswith("3 bytes, request ID r-1")


def test_a_streams_secret_header_goes_with_that_stream_alone_and_is_hidden(
    stage: Stage, tmp_path: Path
) -> None:
    kept = tmp_path / "partner"
    kept.write_text("p4rtner-one\n")
    server = stage.server(says(reply()))
    world = stage.world(server.origin, auth=Bearer(token=Secret("t0ken")))
    own = stream("mine", secret_headers=(("X-Partner", Secret(f"file:{kept}")),))

    world.fetch(asks=own)
    world.fetch()
    kept.write_text("p4rtner-two\n")
    world.fetch(asks=own)
    world.voice.reread_credentials()
    world.fetch(asks=own)

    sent = [asked.headers.get("x-partner") for asked in server.asked]
    assert sent == ["p4rtner-one", None, "p4rtner-one", "p4rtner-two"]
    assert "-H 'X-Partner: ***'" in world.debug[0]
    assert "p4rtner" not in "\n".join(world.debug)
    assert world.redactor.clean("it said p4rtner-one, p4rtner-two") == "it said ***, ***"


def test_a_streams_secret_that_was_rotated_costs_one_refused_request(stage: Stage, tmp_path: Path) -> None:
    kept = tmp_path / "key"
    kept.write_text("new-key")
    server = stage.server(only_for("new-key"))
    world = stage.world(server.origin)
    own = stream(secret_headers=(("X-API-Key", Secret(f"file:{kept}")),))
    world.fetch(asks=own)
    kept.write_text("old-key")
    world.voice.reread_credentials()
    with pytest.raises(FetchError, match="HTTP 401"):
        world.fetch(asks=own)
    kept.write_text("new-key")

    page = world.fetch(asks=own)

    assert isinstance(page, Page)
    assert [attempt.status for attempt in world.attempts] == [200, 401, 401, 401, 200]


def test_a_streams_secret_that_cannot_be_read_fails_that_stream_alone(stage: Stage, tmp_path: Path) -> None:
    world = stage.world(stage.server(says(reply())).origin)
    own = stream(secret_headers=(("X-Partner", Secret(f"file:{tmp_path}/gone")),))

    with pytest.raises(FetchError, match="gone cannot be read") as caught:
        world.fetch(asks=own)

    assert caught.value.category is Category.AUTHENTICATION
    assert isinstance(world.fetch(), Page)


def test_a_secret_that_no_header_could_carry_is_named_and_not_sent(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("schlüssel-42", encoding="utf-8")
    server = stage.server(says(reply()))
    world = stage.world(server.origin, auth=ApiKey(value=Secret(f"file:{tmp_path}/key")))

    with pytest.raises(FetchError, match="header X-API-Key contains a character that is not ASCII") as caught:
        world.fetch()

    assert caught.value.category is Category.AUTHENTICATION
    assert "schl" not in str(caught.value)
    assert server.asked == []


def test_user_and_password_are_hidden_in_the_form_in_which_they_are_sent(stage: Stage) -> None:
    server = stage.server(says(reply(403, b"Basic bWU6cMOkc3Mtd29yZA==, really?")))
    world = stage.world(server.origin, auth=Basic(username="me", password=Secret("päss-word")))

    with pytest.raises(FetchError, match=r"Basic \*\*\*, really") as caught:
        world.fetch()

    assert server.asked[0].headers["authorization"] == "Basic bWU6cMOkc3Mtd29yZA=="
    assert "bWU6" not in "\n".join([*world.debug, str(caught.value)])
