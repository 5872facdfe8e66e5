"""Every credential that needs a token: the request for it, what an answer means, how the token is shown."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from poller.auth.login import Login
from poller.auth.oauth2_client_credentials import ClientCredentials
from poller.core.errors import Category
from poller.core.model import Secret
from poller.core.page import Response
from poller.core.path import Path, lookup
from poller.core.position import from_datetime
from poller.core.tokens import Token, refusal, unusable
from poller.core.verdict import Again, Fatal
from tests.contract.samples import WITH_TOKEN, sample, secrets_of, shown

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANSWERS = {
    "oauth2_client_credentials": b'{"access_token": "t-1", "token_type": "bearer", "expires_in": 60}',
    "login": b'{"token": "t-1"}',
}
"""An answer that holds ``t-1`` for the sample of each kind."""


def answer(body: object, status: int = 200, *, date: datetime | None = None, **headers: str) -> Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Response(status, fields, content, NOW, date=None if date is None else from_datetime(date))


def oauth(**options: Any) -> ClientCredentials:  # noqa: ANN401
    usual: dict[str, Any] = {
        "token_url": "https://id.example/token",
        "client_id": "me",
        "client_secret": Secret("s"),
    }
    return ClientCredentials(**(usual | options))


def login(**options: Any) -> Login:  # noqa: ANN401
    usual: dict[str, Any] = {"path": "/login", "body": {"p": Secret("s")}, "token": Path("token")}
    return Login(**(usual | options))


@pytest.mark.parametrize(("name", "kind"), WITH_TOKEN)
def test_every_secret_goes_into_the_request_and_none_into_the_identity(name: str, kind: type) -> None:
    one: Any = sample(kind)

    request = one.asks(lambda secret: secret.reference)

    sent = (request.body or b"").decode() + " ".join(value for _, value in request.headers)
    sent += " ".join(
        base64.b64decode(value.removeprefix("Basic ")).decode()
        for _, value in request.headers
        if value.startswith("Basic ")
    )
    assert request.target == one.target, name
    for secret in secrets_of(one):
        assert secret.reference in sent
        assert secret.reference not in repr(request)


@pytest.mark.parametrize(("name", "kind"), WITH_TOKEN)
def test_the_same_secrets_ask_the_same_and_others_do_not(name: str, kind: type) -> None:
    one: Any = sample(kind)

    assert one.asks(shown) == one.asks(shown), name
    assert one.asks(shown) != one.asks(lambda _: "another")
    assert one.identity == sample(kind).identity


@pytest.mark.parametrize(("name", "kind"), WITH_TOKEN)
def test_the_token_of_an_answer_is_shown_in_headers_alone(name: str, kind: type) -> None:
    one: Any = sample(kind)

    token = one.issued(answer(ANSWERS[name]))

    assert token.value == "t-1"
    assert token.issued_at == NOW
    assert [value for _, value in one.shown(token) if "t-1" in value]
    assert "t-1" not in repr(token)


@pytest.mark.parametrize("kind", [kind for _, kind in WITH_TOKEN])
@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000, b"null", b"7", b"[]", b"{}"])
def test_an_answer_without_a_token_is_a_value_error(kind: type, body: bytes) -> None:
    one: Any = sample(kind)

    with pytest.raises(ValueError, match=r"not JSON|no token at"):
        one.issued(answer(body))


@pytest.mark.parametrize("value", [None, True, 1.5, {}, "", " t", "t\n", "t\r\nX: 1", "tökén"])
def test_a_token_that_no_header_could_carry_is_refused_without_showing_it(value: object) -> None:
    with pytest.raises(ValueError, match=r"no token at access_token|cannot stand in a header") as caught:
        oauth().issued(answer({"access_token": value}))

    assert "X: 1" not in str(caught.value)


def test_a_number_may_be_a_token() -> None:
    assert oauth().issued(answer({"access_token": 17})).value == "17"


def test_basic_form_encodes_id_and_secret_and_body_sends_them_in_the_form() -> None:
    one = oauth(client_id=Secret("id"), scope="a b", audience="https://x")
    values = {"id": "m&e", "s": "s +%"}

    basic = one.asks(lambda secret: values[secret.reference])
    body = oauth(auth_style="body", client_id=Secret("id")).asks(lambda secret: values[secret.reference])

    pair = dict(basic.headers)["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(pair) == b"m%26e:s+%2B%25"
    assert parse_qs((basic.body or b"").decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["a b"],
        "audience": ["https://x"],
    }
    assert parse_qs((body.body or b"").decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["m&e"],
        "client_secret": ["s +%"],
    }
    assert "Authorization" not in dict(body.headers)


def test_clients_scopes_and_audiences_are_told_apart() -> None:
    every = [
        oauth(),
        oauth(client_id="you"),
        oauth(client_id=Secret("env:ID")),
        oauth(scope="a"),
        oauth(audience="a"),
        oauth(token_url="https://id.example/other"),
    ]

    assert len({one.identity for one in every}) == len(every)


def test_logins_are_told_apart_by_what_they_refer_to() -> None:
    every = [
        login(),
        login(path="/other"),
        login(method="PUT"),
        login(body={"p": Secret("env:A")}),
        login(body={"p": Secret("env:B")}),
        login(body={"u": "me", "p": Secret("env:B")}),
    ]

    assert len({one.identity for one in every}) == len(every)
    assert "env:A" not in str(every[3].identity)


@pytest.mark.parametrize("kind", [None, "Bearer", "bearer", "BEARER", ""])
def test_a_bearer_token_is_one_in_any_case(kind: object) -> None:
    assert oauth().issued(answer({"access_token": "t", "token_type": kind})).value == "t"


@pytest.mark.parametrize("kind", ["mac", "DPoP", 7])
def test_another_kind_of_token_cannot_be_sent(kind: object) -> None:
    with pytest.raises(ValueError, match="no bearer token"):
        oauth().issued(answer({"access_token": "t", "token_type": kind}))


@pytest.mark.parametrize(
    ("life", "seconds"), [(60, 60), ("60", 60), (59.5, 59.5), (0, 0), (-5, 0), (10**300, 3650 * 86_400)]
)
def test_a_life_counts_from_when_the_token_was_asked_for(life: object, seconds: float) -> None:
    token = oauth().issued(answer({"access_token": "t", "expires_in": life}))

    assert token.expires_at == NOW + timedelta(seconds=seconds)


def test_a_token_without_a_life_ends_when_it_is_refused() -> None:
    token = oauth().issued(answer({"access_token": "t", "expires_in": None}))

    assert token.expires_at is None
    assert token.is_valid(NOW + timedelta(days=999))
    assert token.is_fresh(NOW + timedelta(days=999))


@pytest.mark.parametrize("life", [True, "soon", {}, "1e999", "nan"])
def test_a_life_that_is_no_number_is_refused(life: object) -> None:
    with pytest.raises(ValueError, match="no number of seconds"):
        oauth().issued(answer({"access_token": "t", "expires_in": life}))


def test_a_login_counts_a_fixed_life_from_when_it_was_sent() -> None:
    token = login(lifetime=timedelta(minutes=5)).issued(answer({"token": "t"}))

    assert token == Token("t", NOW, NOW + timedelta(minutes=5))


@pytest.mark.parametrize(
    "ends",
    [
        3600,
        "3600",
        "2026-11-21T13:00:00Z",
        "2026-11-21T14:00:00+01:00",
        "2026-11-21T13:00:00",
        NOW.timestamp() + 3600,
        str(int(NOW.timestamp()) + 3600),
        int(NOW.timestamp() + 3600) * 1000,
    ],
)
def test_a_login_says_in_many_ways_when_its_token_ends(ends: object) -> None:
    token = login(expires=Path("ends")).issued(answer({"token": "t", "ends": ends}))

    assert token.expires_at == NOW + timedelta(hours=1)


def test_a_moment_is_the_servers_and_what_is_left_is_measured_by_its_date() -> None:
    ends = (NOW + timedelta(hours=5, seconds=3600)).isoformat()
    one = login(expires=Path("ends"))

    token = one.issued(answer({"token": "t", "ends": ends}, date=NOW + timedelta(hours=5)))

    assert token.expires_at == NOW + timedelta(seconds=3599)


@pytest.mark.parametrize("ends", ["soon", True, [], {}, "nan"])
def test_an_end_that_cannot_be_read_is_refused(ends: object) -> None:
    with pytest.raises(ValueError, match="neither a timestamp nor a number"):
        login(expires=Path("ends")).issued(answer({"token": "t", "ends": ends}))


def test_an_end_that_is_not_said_is_refused() -> None:
    with pytest.raises(ValueError, match="does not say at header:X-Ends"):
        login(expires=lookup("header:X-Ends")).issued(answer({"token": "t"}))


def test_a_login_may_answer_in_headers_alone() -> None:
    one = login(token=lookup("header:X-Auth"), expires=lookup("header:X-Ends"), header="X-Auth", prefix="")

    token = one.issued(answer(b"", x_auth="t-9", x_ends="60"))

    assert one.shown(token) == (("X-Auth", "t-9"),)
    assert token.expires_at == NOW + timedelta(seconds=60)


@pytest.mark.parametrize(
    "path", ["login", "https://id.example/login", "/login?u=1", "/login#x", "/lo gin", ""]
)
def test_a_login_stands_below_the_base_url(path: str) -> None:
    with pytest.raises(ValueError, match="path below base_url"):
        login(path=path)


def test_two_lives_contradict_each_other() -> None:
    with pytest.raises(ValueError, match="contradict each other"):
        login(lifetime=timedelta(seconds=60), expires=Path("e"))


@pytest.mark.parametrize("prefix", ["Bearér ", "a\r\nb"])
def test_a_prefix_that_no_header_could_carry_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix cannot stand in a header"):
        login(prefix=prefix)


@pytest.mark.parametrize(("life", "fresh_for"), [(3600, 3540), (600, 540), (100, 90), (10, 9)])
def test_a_token_is_fresh_until_a_minute_or_a_tenth_of_its_life_before_its_end(
    life: int, fresh_for: int
) -> None:
    token = Token("t", NOW, NOW + timedelta(seconds=life))

    assert [token.is_fresh(NOW + timedelta(seconds=fresh_for + shift)) for shift in (-0.001, 0)] == [
        life > 0,
        False,
    ]
    assert [token.is_valid(NOW + timedelta(seconds=life + shift)) for shift in (-0.001, 0)] == [True, False]


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_success_is_no_refusal(status: int) -> None:
    assert refusal(answer(b"", status)) is None


@pytest.mark.parametrize(("status", "word"), [(400, "check auth"), (401, "check auth"), (404, "token_url")])
def test_a_refusal_says_what_the_server_said_and_what_to_do(status: int, word: str) -> None:
    verdict = refusal(answer({"error": "invalid_scope", "error_description": "No such.\nScope"}, status))

    assert isinstance(verdict, Fatal)
    assert verdict.category is Category.AUTHENTICATION
    assert verdict.reason.startswith(f"HTTP {status}: invalid_scope: No such.")
    assert word in (verdict.hint or "")
    assert verdict.kept is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"bad  client\n", "HTTP 401: bad client"),
        (b"<html>", "HTTP 401"),
        (b"", "HTTP 401"),
        (b"[1]", "HTTP 401"),
        (b'{"error": {"code": 7}}', "HTTP 401"),
        (b'{"message": "no"}', "HTTP 401: no"),
    ],
)
def test_what_is_no_error_of_the_standard_is_told_as_far_as_it_is_text(body: bytes, said: str) -> None:
    verdict = refusal(answer(body, 401))

    assert verdict is not None
    assert verdict.reason == said


@pytest.mark.parametrize(
    ("status", "category"),
    [
        (429, Category.RATE_LIMITED),
        (500, Category.UNREACHABLE),
        (503, Category.UNREACHABLE),
        (408, Category.UNREACHABLE),
    ],
)
def test_what_may_pass_is_worth_another_try_after_the_wait_that_was_asked_for(
    status: int, category: Category
) -> None:
    verdict = refusal(answer(b"", status, retry_after="7"))

    assert verdict == Again(category, f"HTTP {status}", wait=7.0)


def test_a_page_in_between_passes_and_an_answer_of_the_api_does_not() -> None:
    maintenance = unusable(answer(b"<html>"), "the answer is not JSON")
    refused = unusable(answer({"error": "wrong password"}), "no token at x")
    silent = unusable(answer({}), "no token at x")

    assert isinstance(maintenance, Again)
    assert isinstance(refused, Fatal)
    assert (refused.category, refused.reason) == (
        Category.AUTHENTICATION,
        "HTTP 200: no token at x: wrong password",
    )
    assert silent.reason == "HTTP 200: no token at x"


@pytest.mark.parametrize("ends", [None, NOW + timedelta(days=1)])
def test_a_token_from_the_future_is_renewed(ends: datetime | None) -> None:
    token = Token("t", NOW, ends)

    assert token.is_fresh(NOW - timedelta(seconds=59))
    assert not token.is_fresh(NOW - timedelta(hours=1))
