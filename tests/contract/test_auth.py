"""Every way to say who asks: found by name, documented, frozen, in headers alone, read afresh."""

from __future__ import annotations

import dataclasses
import typing

import pytest

from poller import auth
from poller.core.model import Auth, Secret

EVERY = sorted(auth.kinds().items())
EXPECTED = {
    "none": ({}, []),
    "api_key": ({"header": "X-Shop-Key", "value": Secret("v")}, [("X-Shop-Key", "shown v")]),
    "bearer": ({"token": Secret("t")}, [("Authorization", "Bearer shown t")]),
}
"""For the kinds of this file's author: options, and the header fields that they give."""


def sample(kind: type) -> Auth:
    """An instance with a secret in each secret option and its name in each text without a default."""
    hints = typing.get_type_hints(kind)
    values: dict[str, object] = {
        option.name: Secret(f"reference-{option.name}") if hints[option.name] is Secret else option.name
        for option in dataclasses.fields(kind)
        if option.default is dataclasses.MISSING
    }
    made: Auth = kind(**values)
    return made


def shown(secret: Secret) -> str:
    return f"shown {secret.reference}"


@pytest.mark.parametrize(("name", "kind"), EVERY)
def test_it_is_a_frozen_dataclass_with_every_option_documented(name: str, kind: type) -> None:
    assert kind.__dataclass_params__.frozen, name  # type: ignore[attr-defined]
    assert kind.__doc__
    assert all(option.metadata.get("doc") for option in dataclasses.fields(kind))


@pytest.mark.parametrize(("name", "kind"), EVERY)
def test_each_secret_option_is_sent_and_none_is_kept(name: str, kind: type) -> None:
    one = sample(kind)
    secrets = [
        value for option in dataclasses.fields(kind) if isinstance(value := getattr(one, option.name), Secret)
    ]

    sent = list(one.headers(shown))

    assert all(f"{key}{value}".isascii() for key, value in sent), name
    for secret in secrets:
        assert any(secret.reference in value for _, value in sent)
        assert secret.reference not in repr(one)


@pytest.mark.parametrize(("name", "kind"), EVERY)
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


@pytest.mark.parametrize("header", ["", "X Key", "X-Key:", "X-Schlüssel", "X\r\nY"])
def test_a_header_that_is_none_is_refused(header: str) -> None:
    with pytest.raises(ValueError, match="is no header name"):
        auth.kinds()["api_key"](header=header, value=Secret("v"))
