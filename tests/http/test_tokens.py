"""A token is asked for once, kept in a file of its own, renewed early and once, and sent where it belongs."""

from __future__ import annotations

import base64
import fcntl
import json
import logging
import socket
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from poller.auth.login import Login
from poller.core.errors import Category, FetchError, Stopped
from poller.core.model import Retry, Secret, Window
from poller.core.page import Page
from poller.core.path import Path as JsonPath
from tests.http.tokens import SECRET, Vendor, client, form_of, world_of
from tests.http.world import Asked, Stage, at_most, reply, says, stream

PATIENT = Retry(attempts=4, initial=timedelta(seconds=0.01), maximum=timedelta(seconds=0.02))


@dataclass
class Clock:
    """Our clock, ahead of the machine's by as much as a test wants."""

    ahead: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def kept_in(folder: Path) -> Path:
    """The one token file."""
    (file,) = folder.glob("*.json")
    return file


def test_a_token_is_asked_for_once_and_sent_with_every_request(stage: Stage, tmp_path: Path) -> None:
    vendor = Vendor()
    world = world_of(stage, vendor, tmp_path / "state")

    pages = [world.fetch() for _ in range(3)]

    assert all(isinstance(page, Page) for page in pages)
    assert vendor.issued == 1
    assert [(attempt.method, attempt.status) for attempt in world.attempts] == [
        ("POST", 200),
        ("GET", 200),
        ("GET", 200),
        ("GET", 200),
    ]
    assert world.attempts[0].url.endswith("/token")


def test_id_and_secret_are_form_encoded_before_they_are_joined(stage: Stage, tmp_path: Path) -> None:
    vendor = Vendor()
    server = stage.server(vendor)
    auth = client(server, client_id="me & you", scope="read write", audience="https://api.example")
    world = stage.world(server.origin, auth=auth, state_dir=tmp_path)

    world.fetch()

    asked = vendor.asked[0]
    pair = base64.b64decode(asked.headers["authorization"].removeprefix("Basic ")).decode()
    assert pair == f"me+%26+you:{quote_plus(SECRET)}"
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert form_of(asked) == {
        "grant_type": "client_credentials",
        "scope": "read write",
        "audience": "https://api.example",
    }


def test_id_and_secret_may_stand_in_the_body(stage: Stage, tmp_path: Path) -> None:
    vendor = Vendor()
    server = stage.server(vendor)
    world = stage.world(server.origin, auth=client(server, auth_style="body"), state_dir=tmp_path)

    world.fetch()

    assert "authorization" not in vendor.asked[0].headers
    assert form_of(vendor.asked[0])["client_secret"] == SECRET


def test_a_restart_goes_on_with_the_token_that_was_kept(stage: Stage, tmp_path: Path) -> None:
    vendor = Vendor()
    server = stage.server(vendor)
    for _ in range(3):
        world = stage.world(server.origin, auth=client(server), state_dir=tmp_path / "state")
        world.fetch()

    assert vendor.issued == 1


def test_the_token_file_is_its_owners_alone_and_the_only_place(stage: Stage, tmp_path: Path) -> None:
    vendor = Vendor()
    world = world_of(stage, vendor, tmp_path / "state")

    world.fetch()

    state = tmp_path / "state"
    kept = kept_in(state)
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in state.iterdir()} == {0o600}
    assert "token-1" in kept.read_text()
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert [file for file in files if b"token-1" in file.read_bytes()] == [kept]
    for form in (SECRET, quote_plus(SECRET), base64.b64encode(SECRET.encode()).decode()):
        assert [file for file in files if form.encode() in file.read_bytes()] == []


def test_many_threads_at_once_ask_for_one_token(stage: Stage, tmp_path: Path) -> None:
    vendor = Vendor(before=lambda: time.sleep(0.3))
    world = world_of(stage, vendor, tmp_path, concurrency=8)

    with ThreadPoolExecutor(8) as threads:
        pages = list(threads.map(lambda _: world.fetch(), range(8)))

    assert all(isinstance(page, Page) for page in pages)
    assert vendor.issued == 1


OTHER = """
import sys
from pathlib import Path
from tests.http.tokens import client
from tests.http.world import Stage

class There:
    origin = sys.argv[1]

stage = Stage()
world = stage.world(There.origin, auth=client(There), state_dir=Path(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
world.fetch()
print([attempt.method for attempt in world.attempts], flush=True)
stage.close()
"""


def test_two_processes_at_once_ask_for_one_token(stage: Stage, tmp_path: Path, checkout: Path) -> None:
    vendor = Vendor(before=lambda: time.sleep(0.5))
    server = stage.server(vendor)
    command = [sys.executable, "-c", OTHER, server.origin, str(tmp_path)]
    pipe = subprocess.PIPE
    others = [subprocess.Popen(command, cwd=checkout, stdin=pipe, stdout=pipe, text=True) for _ in range(2)]
    for other in others:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"

    for other in others:
        assert other.stdin is not None
        other.stdin.write("go\n")
        other.stdin.flush()
    said = [other.communicate(timeout=30)[0] for other in others]

    assert vendor.issued == 1
    assert sorted(said) == ["['GET']\n", "['POST', 'GET']\n"]


def test_a_token_is_renewed_before_its_end_and_no_sooner_than_needed(stage: Stage, tmp_path: Path) -> None:
    vendor, clock = Vendor(life=3600), Clock()
    world = world_of(stage, vendor, tmp_path, clock=clock)
    world.fetch()
    clock.ahead = timedelta(seconds=3600 - 65)
    world.fetch()
    before = vendor.issued

    clock.ahead = timedelta(seconds=3600 - 55)
    world.fetch()

    assert (before, vendor.issued) == (1, 2)
    assert [attempt.status for attempt in world.attempts if attempt.method == "GET"] == [200] * 3


def test_a_short_life_is_used_to_nine_tenths(stage: Stage, tmp_path: Path) -> None:
    vendor, clock = Vendor(life=100), Clock()
    world = world_of(stage, vendor, tmp_path, clock=clock)
    world.fetch()
    clock.ahead = timedelta(seconds=88)
    world.fetch()
    before = vendor.issued

    clock.ahead = timedelta(seconds=92)
    world.fetch()

    assert (before, vendor.issued) == (1, 2)


def test_an_early_renewal_that_fails_goes_on_with_the_old_token_for_a_while(
    stage: Stage, tmp_path: Path
) -> None:
    vendor, clock = Vendor(life=3600), Clock()
    world = world_of(stage, vendor, tmp_path, clock=clock)
    world.fetch()
    vendor.refusals = [reply(503)]
    clock.ahead = timedelta(seconds=3600 - 50)

    pages = [world.fetch(), world.fetch()]
    clock.ahead = timedelta(seconds=3600 - 30)
    pages.append(world.fetch())

    assert all(isinstance(page, Page) for page in pages)
    assert (len(vendor.asked), vendor.issued) == (3, 2)


def test_while_one_renews_early_the_others_use_the_old_token(stage: Stage, tmp_path: Path) -> None:
    released, clock = threading.Event(), Clock()
    vendor = Vendor(life=3600)
    world = world_of(stage, vendor, tmp_path, clock=clock, concurrency=4)
    world.fetch()
    vendor.before = lambda: assert_true(released.wait(10))
    clock.ahead = timedelta(seconds=3600 - 50)

    with ThreadPoolExecutor(1) as threads:
        renewing = threads.submit(world.fetch)
        while len(vendor.asked) < 2:
            time.sleep(0.01)
        with at_most(1):
            page = world.fetch()
        released.set()
        renewed = renewing.result()

    assert isinstance(page, Page)
    assert isinstance(renewed, Page)
    assert vendor.issued == 2


def test_a_refused_token_is_renewed_once_and_the_request_repeated(stage: Stage, tmp_path: Path) -> None:
    vendor = Vendor()
    world = world_of(stage, vendor, tmp_path)
    world.fetch()
    vendor.revoke()

    page = world.fetch("/things?page=2", mid_scan=True)

    assert isinstance(page, Page)
    assert vendor.issued == 2
    assert [attempt.status for attempt in world.attempts] == [200, 200, 401, 200, 200]


def test_many_refused_at_once_renew_the_token_once(stage: Stage, tmp_path: Path) -> None:
    vendor = Vendor(before=lambda: time.sleep(0.2))
    world = world_of(stage, vendor, tmp_path, concurrency=8)
    world.fetch()
    vendor.revoke()

    with ThreadPoolExecutor(8) as threads:
        pages = list(threads.map(lambda _: world.fetch(), range(8)))

    assert all(isinstance(page, Page) for page in pages)
    assert vendor.issued == 2


def test_a_token_that_another_process_renewed_meanwhile_is_used(stage: Stage, tmp_path: Path) -> None:
    vendor = Vendor()
    server = stage.server(vendor)
    one, other = (stage.world(server.origin, auth=client(server), state_dir=tmp_path) for _ in range(2))
    one.fetch()
    other.fetch()
    vendor.revoke()
    one.fetch()

    page = other.fetch()

    assert isinstance(page, Page)
    assert vendor.issued == 2
    assert [attempt.method for attempt in other.attempts] == ["GET", "GET", "GET"]


def test_a_token_that_is_refused_twice_is_an_authentication_failure(stage: Stage, tmp_path: Path) -> None:
    vendor = Vendor()
    server = stage.server(vendor)
    world = stage.world(server.origin, auth=client(server), state_dir=tmp_path)
    vendor.revoked = {f"Bearer token-{number}" for number in range(9)}

    with pytest.raises(FetchError, match="HTTP 401") as caught:
        world.fetch(asks=stream(retry=PATIENT))

    assert caught.value.category is Category.AUTHENTICATION
    assert vendor.issued == 2
    assert "token-2" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "said", "hint"),
    [
        (400, '{"error": "invalid_client", "error_description": "Who?"}', "check auth"),
        (401, "", "check auth"),
        (403, '{"message": "not from here"}', "check auth"),
        (404, "<html>", "no token endpoint"),
        (302, "", "set token_url"),
    ],
)
def test_a_token_endpoint_that_refuses_ends_the_request_at_once_and_says_what_to_do(
    stage: Stage, tmp_path: Path, status: int, said: str, hint: str
) -> None:
    vendor = Vendor(refusals=[reply(status, said.encode(), "Location: https://elsewhere.example/x?y=1")])
    world = world_of(stage, vendor, tmp_path)

    with pytest.raises(
        FetchError, match=rf"no token from http://127.0.0.1:\d+/token: HTTP {status}"
    ) as caught:
        world.fetch(asks=stream(retry=PATIENT), mid_scan=True)

    assert caught.value.category is Category.AUTHENTICATION
    assert hint in (caught.value.hint or "")
    assert [attempt.status for attempt in world.attempts] == [status]


@pytest.mark.parametrize(
    "trouble",
    [
        reply(500),
        reply(503, b"<html>be back soon</html>"),
        reply(429),
        reply(200, b"<html>maintenance</html>"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"",
    ],
)
def test_a_token_endpoint_in_trouble_is_asked_again(stage: Stage, tmp_path: Path, trouble: bytes) -> None:
    vendor = Vendor(refusals=[trouble, trouble])
    timeout = timedelta(seconds=0.3)
    world = world_of(stage, vendor, tmp_path)

    page = world.fetch(asks=stream(retry=PATIENT, timeout=timeout))

    assert isinstance(page, Page)
    assert len(vendor.asked) == 3


def test_a_token_endpoint_that_stays_away_is_unreachable_and_no_fault_of_a_cursor(
    stage: Stage, tmp_path: Path
) -> None:
    vendor = Vendor(refusals=[reply(503)] * 9)
    world = world_of(stage, vendor, tmp_path)

    with pytest.raises(FetchError, match="gave up after 4 of 4 attempts") as caught:
        world.fetch(asks=stream(retry=PATIENT), mid_scan=True)

    assert caught.value.category is Category.UNREACHABLE
    assert len(vendor.asked) == 4


def test_many_who_wait_in_vain_ask_a_token_endpoint_once(stage: Stage, tmp_path: Path) -> None:
    vendor = Vendor(before=lambda: time.sleep(0.3), refusals=[reply(401)] * 9)
    world = world_of(stage, vendor, tmp_path, concurrency=8)

    def failed() -> Category:
        with pytest.raises(FetchError) as caught:
            world.fetch()
        return caught.value.category

    with ThreadPoolExecutor(6) as threads:
        categories = list(threads.map(lambda _: failed(), range(6)))

    assert set(categories) == {Category.AUTHENTICATION}
    assert len(vendor.asked) == 1


def test_a_wait_that_the_token_endpoint_asks_for_holds_the_source(stage: Stage, tmp_path: Path) -> None:
    vendor = Vendor(refusals=[reply(429, b"", "Retry-After: 1")])
    elsewhere = stage.server(vendor)
    api = stage.server(vendor)
    world = stage.world(api.origin, auth=client(elsewhere), state_dir=tmp_path)

    page = world.fetch(asks=stream(retry=PATIENT))

    assert isinstance(page, Page)
    assert len(world.holds.reasons) == 1
    assert vendor.asked[1].at - vendor.asked[0].at > 0.9


def test_what_is_left_of_a_token_endpoints_own_quota_does_not_hold_the_source(
    stage: Stage, tmp_path: Path
) -> None:
    issued = reply(200, b'{"access_token": "t-1"}', "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 30")
    elsewhere, api = stage.server(says(issued)), stage.server(says(reply()))
    world = stage.world(api.origin, auth=client(elsewhere), state_dir=tmp_path)

    with at_most(5):
        page = world.fetch()

    assert isinstance(page, Page)
    assert world.holds.reasons == []


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"{}", "no token at access_token"),
        (b'{"access_token": 1.5}', "no token at access_token"),
        (b'{"access_token": "a\\nb"}', "cannot stand in a header"),
        (b'{"access_token": "x", "token_type": "mac"}', "no bearer token"),
        (b'{"access_token": "x", "expires_in": "soon"}', "no number of seconds"),
        (b'["access_token"]', "no token at access_token"),
        (b'{"error": "invalid_scope"}', "invalid_scope"),
    ],
)
def test_an_answer_without_a_usable_token_is_not_asked_for_again(
    stage: Stage, tmp_path: Path, answer: bytes, why: str
) -> None:
    vendor = Vendor(refusals=[reply(200, answer)])
    world = world_of(stage, vendor, tmp_path)

    with pytest.raises(FetchError, match=why) as caught:
        world.fetch(asks=stream(retry=PATIENT))

    assert caught.value.category is Category.AUTHENTICATION
    assert caught.value.body is None
    assert len(vendor.asked) == 1


def test_a_token_answer_is_bounded(stage: Stage, tmp_path: Path) -> None:
    vendor = Vendor(refusals=[reply(200, b"x" * 1_100_000)])
    world = world_of(stage, vendor, tmp_path)

    with pytest.raises(FetchError, match="bytes") as caught:
        world.fetch(asks=stream(retry=PATIENT))

    assert caught.value.category is Category.AUTHENTICATION
    assert len(vendor.asked) == 1


def test_a_token_request_to_the_source_takes_one_of_its_permits(stage: Stage, tmp_path: Path) -> None:
    vendor = Vendor()
    second = Window(2, timedelta(seconds=1))
    world = world_of(stage, vendor, tmp_path, rate_limit=(second,), concurrency=1)

    world.fetch()
    world.fetch()

    moments = [vendor.asked[0].at, *(attempt.sent_at for attempt in world.attempts[1:])]
    assert len(moments) == 3
    assert (world.attempts[2].sent_at - world.attempts[0].sent_at).total_seconds() > 0.9


def test_nothing_but_the_token_request_goes_to_a_token_endpoint_elsewhere(
    stage: Stage, tmp_path: Path
) -> None:
    vendor = Vendor()
    elsewhere, api = stage.server(vendor), stage.server(vendor)
    headers = (("X-Tenant", Secret("t3nant-key")), ("X-Plain", "plain"))
    world = stage.world(api.origin, auth=client(elsewhere), state_dir=tmp_path, headers=headers)
    own = stream(secret_headers=(("X-Partner", Secret("p4rtner-key")),))

    world.fetch(asks=own)

    token, page = elsewhere.asked[0].headers, api.asked[0].headers
    assert not {"x-tenant", "x-plain", "x-partner"} & token.keys()
    assert (page["x-tenant"], page["x-partner"]) == ("t3nant-key", "p4rtner-key")
    assert len(elsewhere.asked) == 1
    assert base64.b64decode(token["authorization"].split()[1]).decode().startswith("poller:")
    assert page["authorization"] == "Bearer token-1"


def test_a_login_carries_the_sources_headers_and_any_text_of_it_may_be_secret(
    stage: Stage, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("p4ss wörd\n")
    answers = (reply(200, b'{"session": {"id": "s-1", "ends": 3600}}'), reply())
    server = stage.server(says(*answers))
    auth = Login(
        path="/login",
        body={"user": "me", "deep": [{"password": Secret(f"file:{tmp_path}/password")}]},
        token=JsonPath("session.id"),
        expires=JsonPath("session.ends"),
        header="X-Session",
        prefix="",
    )
    world = stage.world(
        f"{server.origin}/api", auth=auth, state_dir=tmp_path / "state", headers=(("X-Tenant", "acme"),)
    )

    world.fetch()

    login, page = server.asked
    assert (login.method, login.target, login.headers["x-tenant"]) == ("POST", "/api/login", "acme")
    assert json.loads(login.body) == {"user": "me", "deep": [{"password": "p4ss wörd"}]}
    assert login.headers["content-type"] == "application/json"
    assert page.headers["x-session"] == "s-1"


def test_another_secret_asks_for_another_token(stage: Stage, tmp_path: Path) -> None:
    vendor = Vendor()
    server = stage.server(vendor)
    kept = tmp_path / "secret"
    kept.write_text("old-secret")
    auth = client(server, client_secret=Secret(f"file:{kept}"), auth_style="body")
    world = stage.world(server.origin, auth=auth, state_dir=tmp_path / "state")
    world.fetch()
    world.voice.reread_credentials()
    world.fetch()
    before = vendor.issued

    kept.write_text("new-secret\n")
    world.voice.reread_credentials()
    world.fetch()

    assert (before, vendor.issued) == (1, 2)
    assert form_of(vendor.asked[1])["client_secret"] == "new-secret"


def test_a_secret_that_cannot_be_read_asks_nobody(stage: Stage, tmp_path: Path) -> None:
    vendor = Vendor()
    server = stage.server(vendor)
    auth = client(server, client_secret=Secret(f"file:{tmp_path}/gone"))
    world = stage.world(server.origin, auth=auth, state_dir=tmp_path)

    with pytest.raises(FetchError, match="gone cannot be read") as caught:
        world.fetch()

    assert caught.value.category is Category.AUTHENTICATION
    assert server.asked == []


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        b'{"token": 5}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"token": "t", "issued_at": "2026-11-21T00:00:00", "expires_at": null, "salt": "", "holder": ""}',
        b'{"token": "t", "issued_at": "2026-11-21T00:00:00Z", "expires_at": null, "salt": "x", "holder": ""}',
    ],
)
def test_a_damaged_token_file_costs_a_renewal(stage: Stage, tmp_path: Path, damage: bytes) -> None:
    vendor = Vendor()
    server = stage.server(vendor)
    stage.world(server.origin, auth=client(server), state_dir=tmp_path).fetch()
    kept_in(tmp_path).write_bytes(damage)

    page = stage.world(server.origin, auth=client(server), state_dir=tmp_path).fetch()

    assert isinstance(page, Page)
    assert vendor.issued == 2
    assert "token-2" in kept_in(tmp_path).read_text()


def test_a_token_file_that_others_could_have_written_is_not_believed(stage: Stage, tmp_path: Path) -> None:
    vendor = Vendor()
    server = stage.server(vendor)
    stage.world(server.origin, auth=client(server), state_dir=tmp_path).fetch()
    kept_in(tmp_path).chmod(0o644)

    stage.world(server.origin, auth=client(server), state_dir=tmp_path).fetch()

    assert vendor.issued == 2
    assert stat.S_IMODE(kept_in(tmp_path).stat().st_mode) == 0o600


def test_a_link_in_place_of_the_token_file_is_not_followed(stage: Stage, tmp_path: Path) -> None:
    vendor, state = Vendor(), tmp_path / "state"
    server = stage.server(vendor)
    stage.world(server.origin, auth=client(server), state_dir=state).fetch()
    kept = kept_in(state)
    kept.rename(tmp_path / "moved")
    kept.symlink_to(tmp_path / "moved")

    stage.world(server.origin, auth=client(server), state_dir=state).fetch()

    assert vendor.issued == 2
    assert not kept_in(state).is_symlink()
    assert "token-1" in (tmp_path / "moved").read_text()


@pytest.mark.parametrize(
    "obstacle", ["a file where the folder should be", "a folder where the file should be"]
)
def test_a_token_that_cannot_be_kept_is_used_all_the_same(
    stage: Stage, tmp_path: Path, obstacle: str
) -> None:
    vendor = Vendor()
    server = stage.server(vendor)
    state = tmp_path / "state"
    if obstacle.startswith("a file"):
        state.write_text("")
    else:
        stage.world(server.origin, auth=client(server), state_dir=state).fetch()
        kept = kept_in(state)
        kept.unlink()
        kept.mkdir()
        (kept / "x").touch()
    before = vendor.issued

    page = stage.world(server.origin, auth=client(server), state_dir=state).fetch()

    assert isinstance(page, Page)
    assert vendor.issued == before + 1


def test_without_a_folder_the_token_is_kept_in_memory(stage: Stage) -> None:
    vendor = Vendor()
    world = world_of(stage, vendor, None)

    world.fetch()
    world.fetch()

    assert vendor.issued == 1


def test_a_token_without_an_end_is_used_until_it_is_refused(stage: Stage, tmp_path: Path) -> None:
    vendor, clock = Vendor(life=None), Clock()
    world = world_of(stage, vendor, tmp_path, clock=clock)
    world.fetch()
    clock.ahead = timedelta(days=300)
    world.fetch()
    before = vendor.issued
    vendor.revoke()

    world.fetch()

    assert (before, vendor.issued) == (1, 2)


def test_a_token_that_ends_at_once_is_asked_for_each_time_and_not_without_end(
    stage: Stage, tmp_path: Path
) -> None:
    vendor = Vendor(life=0)
    world = world_of(stage, vendor, tmp_path)

    pages = [world.fetch(), world.fetch()]

    assert all(isinstance(page, Page) for page in pages)
    assert vendor.issued <= 4


def test_a_token_that_ended_while_its_request_waited_is_not_sent(stage: Stage, tmp_path: Path) -> None:
    vendor, clock, released = Vendor(life=3600), Clock(), threading.Event()

    def slow(asked: Asked, connection: socket.socket) -> None:
        if asked.target == "/slow":
            released.wait(10)
        vendor(asked, connection)

    server = stage.server(slow)
    world = stage.world(server.origin, auth=client(server), state_dir=tmp_path, concurrency=1, clock=clock)
    world.fetch()
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(world.fetch, "/slow")
        while len(server.asked) < 3:
            time.sleep(0.01)
        second = threads.submit(world.fetch, budget=10_000)
        time.sleep(0.3)
        clock.ahead = timedelta(seconds=3700)
        released.set()
        first.result()
        page = second.result()

    assert isinstance(page, Page)
    assert vendor.issued == 2
    assert 401 not in [attempt.status for attempt in world.attempts]


def test_who_waits_for_another_threads_token_can_be_stopped(stage: Stage, tmp_path: Path) -> None:
    released = threading.Event()
    vendor = Vendor(before=lambda: assert_true(released.wait(10)))
    world = world_of(stage, vendor, tmp_path, grace=timedelta(seconds=0.2))

    with ThreadPoolExecutor(2) as threads:
        under_way = [threads.submit(world.fetch) for _ in range(2)]
        while not vendor.asked:
            time.sleep(0.01)
        world.stop.set()
        with at_most(3):
            errors = [each.exception() for each in under_way]
        released.set()

    assert [type(error) for error in errors] == [Stopped, Stopped]


def test_a_lock_that_is_never_given_back_does_not_stop_us(stage: Stage, tmp_path: Path) -> None:
    vendor = Vendor()
    server = stage.server(vendor)
    stage.world(server.origin, auth=client(server), state_dir=tmp_path).fetch()
    (lock,) = tmp_path.glob("*.lock")
    world = stage.world(server.origin, auth=client(server, scope="other"), state_dir=tmp_path)
    world.fetch()
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with at_most(10):
            page = stage.world(server.origin, auth=client(server), state_dir=tmp_path).fetch(budget=1)

    assert isinstance(page, Page)


def test_token_requests_show_as_curl_lines_and_no_secret_is_written_anywhere(
    stage: Stage, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    vendor = Vendor(refusals=[reply(503, f"down, {SECRET}".encode())])
    server = stage.server(vendor)
    auth = client(server, auth_style="body", scope="read")
    world = stage.world(server.origin, auth=auth, state_dir=tmp_path / "state")
    world.fetch(asks=stream(retry=PATIENT))
    vendor.revoked = {f"Bearer token-{number}" for number in range(9)}

    with pytest.raises(FetchError) as caught:
        world.fetch()

    said = capfd.readouterr()
    written = "\n".join(
        [caplog.text, str(caught.value), repr(world.attempts), *world.debug, said.out, said.err]
    )
    assert world.debug[0].startswith(f"curl --compressed -X POST {server.origin}/token ")
    assert "scope=read" in world.debug[0]
    assert "-H 'Authorization: ***'" in written
    for secret in (SECRET, "token-1", "token-2", "token-3"):
        for form in (secret, quote_plus(secret), base64.b64encode(secret.encode()).decode()):
            assert form not in written


def test_the_header_of_basic_hides_the_pair_that_is_sent(stage: Stage, tmp_path: Path) -> None:
    vendor = Vendor(refusals=[reply(400, b"bad")])
    server = stage.server(vendor)
    pair = base64.b64encode(f"poller:{quote_plus(SECRET)}".encode()).decode()
    world = stage.world(server.origin, auth=client(server), state_dir=tmp_path)

    with pytest.raises(FetchError):
        world.fetch()

    assert vendor.asked[0].headers["authorization"] == f"Basic {pair}"
    assert pair not in "\n".join(world.debug)
    assert world.redactor.clean(f"Basic {pair}") == "Basic ***"


def assert_true(value: object) -> None:
    """A wait inside a callback came to its end."""
    assert value
