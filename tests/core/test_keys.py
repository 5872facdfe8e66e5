"""What identifies a record."""

from __future__ import annotations

import json
import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poller.core.keys import LONGEST_KEY, BadKey, key_of
from poller.core.page import Record, Reject
from poller.core.path import Path
from poller.core.records import read_record
from tests.core.streams import a_stream


def key(raw: str, *paths: str) -> str:
    read = read_record(a_stream(key=tuple(map(Path, paths or ("id",)))), raw.encode())
    assert isinstance(read, Record), read
    return read.key


@pytest.mark.parametrize(
    "same",
    [
        ["1", "1.0", "1e0", "10e-1", "0.1E+1", "1.00000000000000000000000000"],
        ["0", "-0", "0.0", "-0.0", "0e5", "0.000000000000000000000000000000000"],
        ["1.5", "1.50", "15e-1", "0.15e1"],
        ["100000", "1e5", "1E5", "100000.0"],
        [
            "123456789012345678901234567890",
            "123456789012345678901234567890.0",
            "12345678901234567890123456789e1",
        ],
        ["0.0000001", "1e-7", "0.00000010"],
        ["-7", "-7.0", "-70e-1"],
    ],
)
def test_equal_numbers_are_one_key_however_they_are_written(same: list[str]) -> None:
    keys = {key(f'{{"id": {number}}}') for number in same}

    assert keys == {same[0]}


def test_text_and_numbers_are_never_the_same_key() -> None:
    keys = [key(f'{{"id": {value}}}') for value in ("1", '"1"', '"1.0"', '"01"', '" 1"', '""')]

    assert keys == ["1", '"1"', '"1.0"', '"01"', '" 1"', '""']


def test_the_parts_of_a_key_do_not_run_into_each_other() -> None:
    one = key('{"a": "x,y", "b": "z"}', "a", "b")
    other = key('{"a": "x", "b": "y,z"}', "a", "b")
    numbers = key('{"a": 1.0, "b": "1"}', "a", "b")

    assert one != other
    assert numbers == '[1,"1"]'


def test_no_normal_form_is_forced_upon_text() -> None:
    composed, decomposed = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))

    assert key(json.dumps({"id": composed})) != key(json.dumps({"id": decomposed}))
    assert key('{"id": "\\u00e9"}') == key('{"id": "é"}') == '"é"'


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ('"' + "x" * 698 + '"', True),
        ('"' + "x" * 699 + '"', False),
        ('"' + "é" * 349 + '"', True),
        ('"' + "é" * 350 + '"', False),
        ('"' + "\\u0000" * 200 + '"', False),
        ("9" * 700, True),
        ("9" * 701, False),
        ("1e699", True),
        ("1e701", False),
        ("1e-701", False),
        ("1e999999999", False),
        ("1." + "1" * 800, False),
    ],
)
def test_a_key_has_at_most_seven_hundred_bytes(text: str, *, fits: bool) -> None:
    read = read_record(a_stream(), f'{{"id": {text}}}'.encode())

    assert isinstance(read, Record) is fits
    if isinstance(read, Reject):
        assert (read.reason, read.key) == ("key", None)
        assert f"at most {LONGEST_KEY}" in read.detail


@given(
    st.decimals(allow_nan=False, allow_infinity=False)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
)
def test_keys_are_equal_exactly_when_their_numbers_are(number: Decimal | float) -> None:
    found = key_of((Path("id"),), {"id": number})

    if isinstance(found, BadKey):
        assert abs(Decimal(str(number)).adjusted()) > LONGEST_KEY - 10
    else:
        assert Decimal(found) == Decimal(repr(number) if isinstance(number, float) else number)
        assert found == "0" or not found.startswith("-0e")
        assert "e" not in found.lower()
        assert not ("." in found and found.endswith("0"))
