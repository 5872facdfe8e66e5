"""A body, cut into records: whatever one of them holds, its page-mates are read."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poller.core.document import ShapeError, read_document
from poller.core.page import Cursor, Page
from poller.core.path import Path
from poller.core.records import read_page
from tests.core.streams import a_response, a_stream

WHERE = ["rows", "rows[]", "rows[?id > `0`]"]
"""A plain path, and expressions."""


def page_of(body: bytes | str, records: str = "rows", **changes: object) -> Page:
    stream = a_stream(records=Path(records), **changes)
    response = a_response(body)
    return read_page(stream, response, read_document(response.body, stream.records))


def keys(page: Page) -> list[str]:
    return [record.key for record in page.records]


@pytest.mark.parametrize("records", WHERE)
@pytest.mark.parametrize(
    ("poison", "shown"),
    [
        (b'{"id": 2, "x": NaN}', b"NaN"),
        (b'{"id": 2, "x": [-Infinity]}', b"-Infinity"),
        (b'{"id": 2, "x": "\\ud800"}', b"\\ud800"),
        (b'{"id": 2, "\\udc00": 1}', b"\\udc00"),
        (b'{"id": 2, "x": "\xff"}', None),
        (b'{"id": 2, "x": "\xed\xa0\x80"}', None),
        (b'{"id": 2, "x": 1e99999999999999999999}', b"1e99999999999999999999"),
        (b'{"id": 2, "x": ' + b"9" * 5000 + b"}", b"9" * 5000),
    ],
)
def test_a_poisoned_record_is_rejected_alone(records: str, poison: bytes, shown: bytes | None) -> None:
    page = page_of(b'{"rows": [{"id": 1}, ' + poison + b', {"id": 3}], "next": "abc"}', records)

    assert keys(page) == ["1", "3"]
    assert [reject.reason for reject in page.rejects] == ["value"]
    assert shown is None or shown in page.rejects[0].payload
    assert page.onward == Cursor("abc")
    if records == "rows":
        assert page.rejects[0].payload == poison


def test_the_key_beside_poison_is_known_so_that_the_next_version_closes_its_letter() -> None:
    page = page_of('{"rows": [{"id": 7.0, "x": NaN}, {"id": NaN}, {"id": 8, "x": 1e99999999999999999999}]}')

    assert [reject.key for reject in page.rejects] == ["7", None, "8"]


def nested(depth: int, opening: str = "[", closing: str = "]") -> str:
    return opening * depth + closing * depth


@pytest.mark.parametrize("depth", [101, 900, 5_000, 100_000])
def test_a_record_that_is_nested_too_deeply_is_rejected_alone(depth: int) -> None:
    deep = '{"id": 2, "x": "]}", "y": ' + nested(depth - 1) + "}"

    page = page_of('{"rows": [{"id": 1, "s": "[{"}, ' + deep + ', {"id": 3}], "next": "abc"}')

    assert keys(page) == ["1", "3"]
    assert [(reject.reason, reject.payload) for reject in page.rejects] == [("value", deep.encode())]
    assert page.onward == Cursor("abc")


def test_depth_counts_objects_and_lists_the_record_first() -> None:
    body = '{"rows": [{"id": 1, "x": [{"y": []}]}, {"id": 2, "x": [{"y": [[]]}]}, {"id": 3, "s": "[[[[[["}]}'

    page = page_of(body, depth=4)

    assert keys(page) == ["1", "3"]
    assert "limits.depth" in page.rejects[0].detail
    assert page.rejects[0].key == "2"


@pytest.mark.parametrize("records", ["rows", "@", "rows[]"])
@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        '{"x":' * 100_000,
        '{"rows": [], "x": ' + nested(100_000) + "}",
        '{"rows": [' + "[" * 100_000 + "]}",
    ],
)
def test_a_body_that_is_nested_without_end_is_no_page_and_costs_no_time(records: str, body: str) -> None:
    began = time.process_time()

    with pytest.raises(ShapeError, match=r"too deeply|too early|no list"):
        page_of(body, records)

    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
def test_a_byte_order_mark_and_the_other_utfs_are_read(encoding: str) -> None:
    page = page_of('{"rows": [{"id": "Ærø 😀"}], "next": "å"}'.encode(encoding))

    assert [record.payload for record in page.records] == ['{"id": "Ærø 😀"}']
    assert page.onward == Cursor("å")


def test_a_lone_surrogate_in_utf_16_costs_only_its_record() -> None:
    body = '{"rows": [{"id": 1}, {"id": 2, "x": "\ud800"}]}'.encode("utf-16-le", "surrogatepass")

    page = page_of(body)

    assert keys(page) == ["1"]
    assert len(page.rejects) == 1


@pytest.mark.parametrize("records", WHERE)
@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('{"rows": [{"id": 1},]}', "comma|JSON"),
        ('{"rows": [{"id": 1}],}', "comma|JSON"),
        ('{"id": 1}\n{"id": 2}\n', "JSON Lines"),
        ('{"rows": [{"id": 1}]}{"rows": [{"id": 2}]}', "JSON Lines"),
        ('{"rows": [{"id": 1}]} // done', "after the end"),
        ("<!doctype html><html></html>", "looks like HTML"),
        ("  <error/>", "looks like HTML"),
        ("{'rows': []}", "not JSON"),
        ('{"rows": [{"id": 1}], "rows": [{"id": 2}]', "too early|not JSON"),
        ("\ufeff", "empty"),
    ],
)
def test_what_is_no_json_is_no_page_and_the_error_says_why(records: str, body: str, why: str) -> None:
    with pytest.raises(ShapeError, match=why):
        page_of(body, records)


@pytest.mark.parametrize("body", ['[{"id": 1},]', '{"id": 1}\n{"id": 2}'])
def test_a_whole_body_of_records_is_no_exception(body: str) -> None:
    with pytest.raises(ShapeError, match=r"comma|JSON Lines"):
        page_of(body, "@")


def test_half_a_character_of_utf_16_is_no_page() -> None:
    with pytest.raises(ShapeError, match="not JSON"):
        page_of('{"rows": []}'.encode("utf-16-le")[:-1])


@pytest.mark.parametrize("records", ["rows", "rows[]", "a.rows"])
@pytest.mark.parametrize("poison", ["", "NaN, "])
def test_a_body_that_was_cut_off_is_never_a_page(records: str, poison: str) -> None:
    rows = f'"rows": [{{"id": 1}}, {{"id": 2, "x": [{poison}"\\u00e5"]}}], "next": null'
    body = f'{{"a": {{{rows}}}}}' if records == "a.rows" else f"{{{rows}}}"
    page_of(body, records)

    for end in range(len(body)):
        with pytest.raises(ShapeError):
            page_of(body[:end], records)


@pytest.mark.parametrize("space", ["", " ", "\n\t "])
@pytest.mark.parametrize("poison", ["", ', "p": NaN'])
def test_two_lists_of_records_are_no_page(space: str, poison: str) -> None:
    body = f'{{{space}"rows":[{{"id": 1}}],{space}"next":null{poison},{space}"rows":[{{"id": 2}}]}}'

    with pytest.raises(ShapeError, match="'rows' stands there twice"):
        page_of(body)


def test_records_may_have_members_of_the_same_name_as_their_list() -> None:
    body = '{ "took" : 1 ,\n\n\n\n\n "rows" : [{"id": 1, "rows": ["rows"]}, {"id": 2, "rows": 3}] }'

    assert keys(page_of(body)) == ["1", "2"]


def test_records_of_an_expression_are_written_anew_in_their_order_and_exactly() -> None:
    row = '{"id":1,"z":1.10000000000000000001,"a":{"y":123456789012345678901234567890,"b":[1e400,"å"]}}'

    for poison in ("", ', {"id": 2, "x": NaN}'):
        page = page_of(f'{{"rows": [{row}{poison}]}}', "rows[?id]")

        assert json.loads(page.records[0].payload, parse_float=str) == json.loads(
            row.replace("1e400", "1E+400"), parse_float=str
        )
        assert list(page.records[0].fields) == ["id", "z", "a"]


def test_of_two_members_of_one_name_the_last_one_counts_in_everything() -> None:
    twice, once = page_of('{"rows": [{"id": 1, "x": "a", "id": 2, "x": "b"}, {"id": 2, "x": "b"}]}').records

    assert twice.key == once.key == "2"
    assert twice.fields == once.fields
    assert twice.digest == once.digest
    assert twice.payload == '{"id": 1, "x": "a", "id": 2, "x": "b"}'


def test_a_record_of_twenty_megabytes_is_a_record() -> None:
    big = json.dumps({"id": 1, "text": "å" * 5_000_000, "list": list(range(1_000_000))})

    page = page_of(f'{{"rows": [{big}, {{"id": 2}}]}}')

    assert keys(page) == ["1", "2"]
    assert page.records[0].payload == big


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ROWS = st.lists(st.dictionaries(st.text(), JSON, max_size=4), max_size=5)


@given(ROWS, st.integers(0, 5), st.sampled_from([0, 1, 2]), st.sampled_from(WHERE[:2]))
def test_poison_anywhere_costs_itself_alone(
    rows: list[dict[str, Any]], at: int, indent: int, records: str
) -> None:
    texts = [json.dumps({**row, "id": number + 1}, indent=indent or None) for number, row in enumerate(rows)]
    texts.insert(at, '{"id": 99, "x": "\\udead"}')

    page = page_of('{"rows": [' + ",".join(texts) + "]}", records)

    assert keys(page) == [str(number + 1) for number in range(len(rows))]
    assert [reject.key for reject in page.rejects] == ["99"]
    if records == "rows":
        assert {record.payload for record in page.records} == set(texts) - {page.rejects[0].payload.decode()}
