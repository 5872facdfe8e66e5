"""Values are found where the settings say, and what cannot be read is refused when the settings are read."""

from __future__ import annotations

from typing import Any

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poller.core.path import Header, Path, lookup

DOCUMENT = {
    "meta": {"next": "abc", "zero": 0, "empty": "", "no": False, "null": None},
    "rows": [{"id": 1, "status": "trash"}, {"id": 2, "status": "ok"}],
    "text": "plain",
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("@", DOCUMENT),
        ("meta.next", "abc"),
        ("meta.zero", 0),
        ("meta.empty", ""),
        ("meta.no", False),
        ("meta.null", None),
        ("meta.absent", None),
        ("meta.null.deeper", None),
        ("absent.deeper", None),
        ("text.deeper", None),
        ("rows.id", None),
        ("rows[0].id", 1),
        ("rows[-1].id", 2),
        ("rows[?status=='trash'].id", [1]),
        ("rows[0].status=='trash'", True),
        ("length(rows)", 2),
        ('"meta".next', "abc"),
        ("length(meta.zero)", None),
    ],
)
def test_a_path_finds_what_jmespath_says(text: str, value: object) -> None:
    assert Path(text).find(DOCUMENT) == value


@pytest.mark.parametrize("text", ["", "rows[", "a..b", "1abc", "a b", "nope(@)("])
def test_what_is_no_expression_is_refused_with_the_text(text: str) -> None:
    with pytest.raises(ValueError, match="not a JMESPath") as refusal:
        Path(text)

    assert repr(text) in str(refusal.value)
    assert "\n" not in str(refusal.value)


_NAMES = st.sampled_from(["a", "b", "c_1", "_d", "E"])
_DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(_NAMES, inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=12,
)


@given(names=st.lists(_NAMES, min_size=1, max_size=4), document=_DOCUMENTS)
def test_the_short_way_for_plain_paths_agrees_with_jmespath(names: list[str], document: Any) -> None:  # noqa: ANN401
    text = ".".join(names)

    assert Path(text).names == tuple(names)
    assert Path(text).find(document) == jmespath.search(text, document)


def test_paths_are_equal_by_their_text_and_show_nothing_else() -> None:
    assert Path("a.b") == Path("a.b")
    assert Path("a.b") != Path("a.c")
    assert hash(Path("a[0]")) == hash(Path("a[0]"))
    assert repr(Path("a[0]")) == "Path(text='a[0]')"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("header:X-Next-Cursor", Header("X-Next-Cursor")),
        ("Header: Link", Header("Link")),
        ("meta.next", Path("meta.next")),
        ("header", Path("header")),
    ],
)
def test_a_lookup_is_a_header_or_a_path(text: str, where: object) -> None:
    assert lookup(text) == where


@pytest.mark.parametrize("text", ["header:", "header: ", "header:two words", "header:X\r\nEvil", "header:é"])
def test_a_header_name_must_be_one(text: str) -> None:
    with pytest.raises(ValueError, match="not a header name"):
        lookup(text)
