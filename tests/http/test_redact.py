"""A secret is replaced in every form in which it could turn up; other text stays as it is."""

from __future__ import annotations

import base64
import html
import json
import logging
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as some

from poller.http.curl import as_answer, as_curl
from poller.http.redact import HIDDEN, RedactingFilter, Redactor

SECRET = 'p&s "w+rd/=<%>\\1'


@pytest.fixture
def redactor() -> Redactor:
    it = Redactor()
    it.learn(SECRET)
    return it


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        html.escape(SECRET),
        base64.b64encode(SECRET.encode()).decode().rstrip("="),
    ],
)
def test_a_secret_is_hidden_in_each_of_its_forms(redactor: Redactor, form: str) -> None:
    assert form not in redactor.clean(f"before {form} after")


SPELLED = "a+b/c=%<d>&\"'e\\øж"


@pytest.mark.parametrize(
    "text",
    [
        r"a+b\/c=%<d>&\"'e\\øж",
        r"a\u002Bb/c=%\u003cd\u003e\u0026\u0022\u0027e\\\u00f8\u0436",
        "a%2bb%2fc%3d%25%3cd%3e%26%22%27e%5c%c3%b8%d0%b6",
        "a%2Bb/c=%25%3Cd%3E%26%22'e%5C%C3%B8ж",
        "a&#43;b&#x2F;c=%&lt;d&gt;&amp;&quot;&#39;e&#92;&#xF8;&#1078;",
        repr(f"{SPELLED} and \"'"),
        repr(SPELLED.encode()),
        ascii(SPELLED),
    ],
)
def test_a_secret_is_hidden_however_a_vendor_escapes_it(text: str) -> None:
    redactor = Redactor()
    redactor.learn(SPELLED)

    cleaned = redactor.clean(text)

    assert HIDDEN in cleaned
    assert len(cleaned) <= len(HIDDEN) + len("b'' and \\\"\\'"), cleaned


@given(
    user=some.text(some.characters(codec="ascii"), max_size=6),
    secret=some.text(some.characters(min_codepoint=33, max_codepoint=126), min_size=6, max_size=20),
    tail=some.text(some.characters(codec="ascii"), max_size=6),
)
def test_base64_around_a_secret_does_not_show_it(user: str, secret: str, tail: str) -> None:
    redactor = Redactor()
    redactor.learn(secret)
    packed = base64.b64encode(f"{user}:{secret}{tail}".encode()).decode()

    cleaned = redactor.clean(packed)

    assert HIDDEN in cleaned
    assert len(cleaned.replace(HIDDEN, "")) <= len(packed) - len(secret) * 8 // 6 + 3


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("https://h/x?api_key=abc&page=2", "https://h/x?api_key=***&page=2"),
        ("GET https://h/x?a=1&Access_Token=abc HTTP/1.1", "GET https://h/x?a=1&Access_Token=*** HTTP/1.1"),
        ("?auth[password]=abc#x", "?auth[password]=***#x"),
        ("?X-Amz-Signature=abc&sig=def&key=ghi", "?X-Amz-Signature=***&sig=***&key=***"),
        ("?page_token=abc&nextPageToken=def", "?page_token=abc&nextPageToken=def"),
        ("?sort=key&monkey=1", "?sort=key&monkey=1"),
        ("key=value in prose", "key=value in prose"),
    ],
)
def test_parameters_that_look_secret_lose_their_values(text: str, cleaned: str) -> None:
    assert Redactor().clean(text) == cleaned


def test_a_rotated_secret_stays_hidden(redactor: Redactor) -> None:
    redactor.learn("the-next-one")

    assert redactor.clean(f"{SECRET} the-next-one") == f"{HIDDEN} {HIDDEN}"


def test_a_secret_that_begins_with_another_is_hidden_whole() -> None:
    redactor = Redactor()
    redactor.learn("abcd")
    redactor.learn("abcd1234")

    assert redactor.clean("abcd1234 abcd") == f"{HIDDEN} {HIDDEN}"


def test_a_short_secret_is_hidden_only_where_it_stands_alone() -> None:
    redactor = Redactor()
    redactor.learn("abc")
    redactor.learn("")

    assert redactor.clean("X-Key: abc in alphabcd") == "X-Key: *** in alphabcd"


def test_bytes_keep_what_is_no_text(redactor: Redactor) -> None:
    assert redactor.clean_bytes(b"\xff\x00" + SECRET.encode() + b"\xfe") == b"\xff\x00***\xfe"


def test_structlog_events_are_cleaned_at_any_depth(redactor: Redactor) -> None:
    event = {
        "event": f"said {SECRET}",
        "count": 3,
        "nested": {"list": [SECRET, None], SECRET: 1},
        "raw": SECRET.encode(),
        "error": ValueError(SECRET),
        "kept": ValueError("harmless"),
    }

    cleaned = redactor(None, "info", event)

    assert SECRET not in str(cleaned)
    assert (cleaned["event"], cleaned["count"]) == ("said ***", 3)
    assert isinstance(cleaned["kept"], ValueError)


def test_log_records_are_cleaned_with_their_arguments(redactor: Redactor) -> None:
    said = ("%s and %r", (SECRET, {"a": SECRET}))
    record = logging.LogRecord("httpx", logging.INFO, __file__, 1, f"it said {said[0]}", said[1], None)

    RedactingFilter(redactor).filter(record)

    assert logging.Formatter().format(record) == "it said *** and {'a': '***'}"


def test_a_traceback_that_quotes_a_secret_is_written_without_it() -> None:
    redactor = Redactor()
    redactor.learn("hunter22")
    broken = ValueError("401 for https://api.example/?q=hunter22")
    caught = (ValueError, broken, None)
    record = logging.LogRecord("httpx", logging.ERROR, __file__, 1, "it broke", None, caught)

    RedactingFilter(redactor).filter(record)

    written = logging.Formatter().format(record)
    assert "ValueError: 401 for https://api.example/?q=***" in written
    assert "hunter22" not in written


def test_a_curl_line_can_be_pasted_and_hides_what_it_must() -> None:
    line = as_curl(
        "POST",
        "https://h/x?a=1&b=2",
        [("X-Key", "secret"), ("Accept", "it's"), ("Host", "h"), ("Accept-Encoding", "gzip")],
        b'{"a": "$HOME"}',
        hidden={"x-key"},
    )

    assert line == (
        "curl --compressed -X POST 'https://h/x?a=1&b=2' -H 'X-Key: ***' "
        """-H 'Accept: it'"'"'s' --data-raw '{"a": "$HOME"}'"""
    )


def test_a_curl_line_for_a_get_is_short_and_a_long_body_is_cut() -> None:
    assert as_curl("GET", "https://h/x", []) == "curl --compressed https://h/x"
    assert as_curl("POST", "https://h/", [], b"x" * 10_007).endswith("… (7 bytes more)'")


def test_an_answer_is_one_line() -> None:
    assert (
        as_answer(200, 0.2134, 10, 20, "r", None) == "# 200 in 0.213 s, 10 bytes (20 decoded), request ID r"
    )
    assert as_answer(None, 1.0, 0, None, None, "it\nbroke") == "# no answer in 1.000 s, 0 bytes: it broke"


def test_of_many_tokens_the_newest_stay_known_and_no_other_holders_are_forgotten() -> None:
    redactor = Redactor()
    redactor.learn("p4ss-word")
    redactor.learn_token("another-holders-token", ("other", "client"))

    for number in range(1000):
        redactor.learn_token(f"t0ken-{number:04d}", ("id", "client"))

    assert redactor.clean("p4ss-word another-holders-token t0ken-0999 t0ken-0995") == "*** *** *** ***"
    assert redactor.clean("t0ken-0001") == "t0ken-0001"
