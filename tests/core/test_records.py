"""Bytes into records and rejects."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poller.core.document import ShapeError, read_document
from poller.core.exact import exact_number
from poller.core.keys import LONGEST_KEY
from poller.core.page import Cursor, Ending, Page, Record, Reject
from poller.core.path import Path
from poller.core.position import canonical
from poller.core.records import read_page, read_record
from tests.core.streams import a_response, a_stream


def page_of(body: bytes | str, **changes: object) -> Page:
    stream = a_stream(**changes)
    response = a_response(body)
    return read_page(stream, response, read_document(response.body, stream.records))


def record_of(raw: bytes | str, **changes: object) -> Record:
    read = read_record(a_stream(**changes), raw.encode() if isinstance(raw, str) else raw)
    assert isinstance(read, Record), read
    return read


def reject_of(raw: bytes | str, **changes: object) -> Reject:
    read = read_record(a_stream(**changes), raw.encode() if isinstance(raw, str) else raw)
    assert isinstance(read, Reject), read
    return read


def test_a_page_is_cut_into_records_that_keep_their_own_bytes() -> None:
    page = page_of('{"rows": [{"id": 1,  "at": "2026-11-21T10:00:00Z"}, {"id":2}], "next": "abc", "took": 5}')

    assert [record.payload for record in page.records] == [
        '{"id": 1,  "at": "2026-11-21T10:00:00Z"}',
        '{"id":2}',
    ]
    assert [record.key for record in page.records] == ["1", "2"]
    assert page.onward == Cursor("abc")
    assert page.rows == 2


@pytest.mark.parametrize(
    ("records", "body", "keys"),
    [
        ("@", '[{"id": 1}, {"id": 2}]', ["1", "2"]),
        ("data.rows", '{"data": {"rows": [{"id": 1}]}}', ["1"]),
        ("hits[].source", '{"hits": [{"source": {"id": 1}}, {"source": {"id": 2}}]}', ["1", "2"]),
        ("rows", '{"rows": []}', []),
    ],
)
def test_the_records_are_found_where_the_settings_say(records: str, body: str, keys: list[str]) -> None:
    assert [record.key for record in page_of(body, records=Path(records)).records] == keys


@pytest.mark.parametrize(
    ("body", "records"),
    [
        ("", "rows"),
        ("   \n", "rows"),
        ("<html></html>", "rows"),
        ('{"rows": [{"id": 1}', "rows"),
        ('{"rows": [{"id": 1}]} trailing', "rows"),
        ('{"rows": [{"id": 1} {"id": 2}]}', "rows"),
        ("<html></html>", "hits[].source"),
        ("[" * 100_000, "rows"),
        ('{"rows":' + "[" * 100_000, "hits[].source"),
        ('{"rows', "rows"),
        ("\xff\xfe", "rows"),
    ],
)
def test_what_is_no_document_is_no_page(body: str, records: str) -> None:
    with pytest.raises(ShapeError):
        read_document(body.encode("latin-1"), Path(records))


@pytest.mark.parametrize(
    ("body", "records"),
    [
        ('{"data": []}', "rows"),
        ('{"rows": null}', "rows"),
        ('{"rows": {"id": 1}}', "rows"),
        ('{"rows": "none"}', "rows"),
        ('{"error": "no"}', "@"),
        ("[]", "rows"),
        ("7", "rows.inner"),
        ('{"rows": 1}', "rows[].x"),
        ('{"rows": [], "bad": "\\ud800"}', "other"),
        ('[{"bad": NaN}]', "rows"),
        ('{"rows": NaN}', "rows.inner"),
    ],
)
def test_a_document_without_a_list_of_records_is_no_page(body: str, records: str) -> None:
    with pytest.raises(ShapeError, match="no list of records"):
        page_of(body, records=Path(records))


def test_a_cursor_that_can_be_none_is_a_page_that_contradicts_itself() -> None:
    with pytest.raises(ShapeError, match="neither text nor a number"):
        page_of('{"rows": [{"id": 1}], "next": {"page": 2}}')


@pytest.mark.parametrize(
    "poison",
    [
        b'{"id": 2, "x": NaN}',
        b'{"id": 2, "x": -Infinity}',
        b'{"id": 2, "x": "\\ud800"}',
        b'{"id": 2, "x": "\xff"}',
        b'{"id": 2, "x": "\xc3("}',
    ],
)
def test_a_poisoned_record_is_rejected_alone_with_its_bytes(poison: bytes) -> None:
    body = b'{"before": 1, "rows": [{"id": 1}, ' + poison + b', {"id": 3}], "next": "abc", "after": [1]}'

    page = page_of(body)

    assert [record.key for record in page.records] == ["1", "3"]
    assert [reject.payload for reject in page.rejects] == [poison]
    assert page.rejects[0].reason == "value"
    assert page.onward == Cursor("abc")


@pytest.mark.parametrize("raw", ["7", '"text"', "[1]", "null", "true"])
def test_a_record_that_is_no_object_is_rejected(raw: str) -> None:
    assert reject_of(raw).reason == "shape"


@pytest.mark.parametrize(
    ("raw", "keys", "key"),
    [
        ('{"id": 7}', ["id"], "7"),
        ('{"id": "7"}', ["id"], '"7"'),
        ('{"id": 0}', ["id"], "0"),
        ('{"id": ""}', ["id"], '""'),
        ('{"id": "å\\u00e5"}', ["id"], '"åå"'),
        ('{"id": 123456789012345678901234567890}', ["id"], "123456789012345678901234567890"),
        ('{"id": 1.5}', ["id"], "1.5"),
        ('{"a": "x", "b": {"c": 2}}', ["a", "b.c"], '["x",2]'),
    ],
)
def test_a_key_is_canonical_json(raw: str, keys: list[str], key: str) -> None:
    assert record_of(raw, key=tuple(Path(each) for each in keys)).key == key


@pytest.mark.parametrize("raw", ['{"no": 1}', '{"id": null}', '{"id": true}', '{"id": [1]}', '{"id": {}}'])
def test_a_record_without_a_key_is_rejected_and_the_reject_says_which_field(raw: str) -> None:
    reject = reject_of(raw)

    assert reject.reason == "key"
    assert "'id'" in reject.detail


def test_a_key_that_is_too_long_to_be_indexed_is_rejected() -> None:
    assert reject_of(json.dumps({"id": "x" * LONGEST_KEY})).reason == "key"
    assert record_of(json.dumps({"id": "x" * (LONGEST_KEY - 2)})).key


def test_a_position_keeps_its_text_and_is_compared_exactly() -> None:
    record = record_of('{"id": 1, "at": "2026-11-21T12:00:00.123456789+02:00"}')

    assert record.position_text == "2026-11-21T12:00:00.123456789+02:00"
    assert record.position is not None
    assert canonical(record.position) == "2026-11-21T10:00:00.123456789Z"


@pytest.mark.parametrize(("at", "text"), [("null", None), ('"soon"', "soon"), ("{}", "{}"), ("true", "true")])
def test_a_record_without_a_readable_position_is_kept(at: str, text: str | None) -> None:
    record = record_of(f'{{"id": 1, "at": {at}}}')

    assert record.position is None
    assert record.position_text == text


def test_a_stream_without_since_reads_positions_all_the_same() -> None:
    assert record_of('{"id": 1, "at": 1700000000}', since=None).position == 1_700_000_000 * 10**9
    assert record_of('{"id": 1}', updated_at=None).position is None


def test_the_digest_is_of_content_not_of_member_order_or_white_space() -> None:
    one = record_of('{"id": 1, "x": {"a": [1, 2], "b": null}}')
    other = record_of('{ "x" : {"b":null, "a":[1,2]}, "id":1 }')
    changed = record_of('{"id": 1, "x": {"a": [2, 1], "b": null}}')

    assert one.digest == other.digest
    assert one.digest != changed.digest


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.5", 1.5),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ("0.1", 0.1),
        ("0.10000000000000000000000000001", Decimal("0.10000000000000000000000000001")),
        ("12345678901234567890.5", Decimal("12345678901234567890.5")),
        ("1e400", Decimal("1e400")),
    ],
)
def test_a_number_is_a_float_only_when_the_double_is_that_number(text: str, number: float | Decimal) -> None:
    read = exact_number(text)

    assert read == number
    assert type(read) is type(number)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(st.dictionaries(st.text(min_size=1), _JSON, max_size=4), max_size=5),
    st.sampled_from(["", "NaN"]),
)
def test_every_record_of_any_document_comes_back_byte_for_byte(
    rows: list[dict[str, object]], poison: str
) -> None:
    texts = [json.dumps({**row, "id": number}, ensure_ascii=True) for number, row in enumerate(rows)]
    beside = f', "x": {poison}' if poison else ""

    page = page_of('{"rows": [' + " , ".join(texts) + "]" + beside + "}")

    assert [record.payload for record in page.records] == texts
    assert not page.rejects
    assert page.rows == len(texts)
    assert page.onward is Ending.LAST
