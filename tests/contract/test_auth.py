"""Every way to say who asks: found by name, documented, frozen, in headers alone, read afresh."""

from __future__ import annotations

import base64
import dataclasses

import pytest

from poller import auth
from poller.core.errors import SettingsError
from poller.core.model import Secret
from poller.core.path import Path
from tests.contract.samples import EVERY, WITHOUT, sample, secrets_of, shown

EXPECTED = {
    "none": ({}, []),
    "api_key": ({"header": "X-Shop-Key", "value": Secret("v")}, [("X-Shop-Key", "shown v")]),
    "bearer": ({"token": Secret("t")}, [("Authorization", "Bearer shown t")]),
    "basic": (
        {"username": "Aladdin", "password": Secret("p")},
        [("Authorization", "Basic " + base64.b64encode(b"Aladdin:shown p").decode())],
    ),
}
"""For the kinds of this file's author: options, and the header fields that they give."""


@pytest.mark.parametrize(("name", "kind"), EVERY)
def test_it_is_a_frozen_dataclass_with_every_option_documented(name: str, kind: type) -> None:
    assert kind.__dataclass_params__.frozen, name  # type: ignore[attr-defined]
    assert kind.__doc__
    assert all(option.metadata.get("doc") for option in dataclasses.fields(kind))


@pytest.mark.parametrize(("name", "kind"), EVERY)
def test_no_secret_shows_in_what_is_written_of_it(name: str, kind: type) -> None:
    one = sample(kind)

    for secret in secrets_of(one):
        assert secret.reference not in repr(one), name


@pytest.mark.parametrize(("name", "kind"), WITHOUT)
def test_each_secret_option_is_sent(name: str, kind: type) -> None:
    one = sample(kind)

    sent = list(one.headers(shown))

    assert all(f"{key}{value}".isascii() for key, value in sent), name
    written = " ".join(value for _, value in sent)
    decoded = base64.b64decode(written.removeprefix("Basic ")) if written.startswith("Basic ") else b""
    for secret in secrets_of(one):
        assert secret.reference in written + decoded.decode()


@pytest.mark.parametrize(("name", "kind"), WITHOUT)
def test_a_secret_is_read_afresh_each_time(name: str, kind: type) -> None:
    one, readings = sample(kind), 0

    def counted(secret: Secret) -> str:
        nonlocal readings
        readings += 1
        return f"reading-{readings} of {secret.reference}"

    first, second = list(one.headers(counted)), list(one.headers(counted))

    assert (first != second) == (readings > 0), name


@pytest.mark.parametrize(("name", "case"), sorted(EXPECTED.items()))
def test_it_sends_these_fields(name: str, case: tuple[dict[str, object], list[tuple[str, str]]]) -> None:
    options, fields = case

    one = auth.kinds()[name](**options)

    assert list(one.headers(shown)) == fields


@pytest.mark.parametrize("kind", ["api_key", "login"])
@pytest.mark.parametrize("header", ["", "X Key", "X-Key:", "X-Schlüssel", "X\r\nY"])
def test_a_header_that_is_none_is_refused(kind: str, header: str) -> None:
    needed = {"value": Secret("v")} if kind == "api_key" else {"path": "/l", "body": {}, "token": Path("t")}

    with pytest.raises(ValueError, match="is no header name"):
        auth.kinds()[kind](header=header, **needed)


def test_basic_is_utf_8() -> None:
    one = auth.kinds()["basic"](username=Secret("u"), password=Secret("p"))

    ((_, value),) = one.headers(lambda secret: {"u": "jürgen", "p": "pä:ß"}[secret.reference])

    assert base64.b64decode(value.removeprefix("Basic ")).decode("utf-8") == "jürgen:pä:ß"


def test_a_user_name_with_a_colon_is_refused_where_it_is_known() -> None:
    with pytest.raises(ValueError, match="cannot hold a colon"):
        auth.kinds()["basic"](username="a:b", password=Secret("p"))
    one = auth.kinds()["basic"](username=Secret("env:USER"), password=Secret("p"))

    with pytest.raises(SettingsError, match="cannot hold a colon"):
        one.headers(lambda _: "a:b")
