"""Where each key and value of a TOML text stands, however it is written."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poller.config.places import KeyPath, find_places

NASTY = """\
# a comment with [brackets] and "quotes" = 1
title = "a # no comment, \\" = [x]"   # a comment
'literal key' = 'C:\\path'
"quoted \\u00e9 key" = 1
"" = "the empty key"
[ spaced . "dotted.part" ]
\tdeep.er . est = { x = 1, "y z" = [ 1, 2 ], inner = { q = "}" } }
multi = \"\"\"
[not.a.table]
key = "no key"\"\"\"
raw = '''
[[neither]]
''''
quoted = \"\"\"ends with quotes\"\"\"\"\"
list = [
  "a", # [c]
  [ "b]", { k = 'v' } ],
  1979-05-27T07:32:00Z,
  -0x1F,
]
[a.b.c]
x=1
[a]
y   =   2
[[people]]
name = "one"
[people.address]
street = "s"
[[people]]
name = "two"
[[people.phones]]
n = 1
"""
NASTY = NASTY.replace("-0x1F", "0x1F")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("title",), 'title = "a # no'),
        (("literal key",), "'literal key' ="),
        (("quoted é key",), '"quoted \\u00e9 key" ='),
        (("",), '"" = "the empty key"'),
        (("spaced",), 'spaced . "dotted.part" ]'),
        (("spaced", "dotted.part"), '"dotted.part" ]'),
        (("spaced", "dotted.part", "deep"), "deep.er . est"),
        (("spaced", "dotted.part", "deep", "er"), "er . est"),
        (("spaced", "dotted.part", "deep", "er", "est"), "est = {"),
        (("spaced", "dotted.part", "deep", "er", "est", "y z"), '"y z" = ['),
        (("spaced", "dotted.part", "deep", "er", "est", "y z", 1), "2 ], inner"),
        (("spaced", "dotted.part", "deep", "er", "est", "inner", "q"), 'q = "}"'),
        (("spaced", "dotted.part", "raw"), "raw = '''"),
        (("spaced", "dotted.part", "quoted"), 'quoted = """ends'),
        (("spaced", "dotted.part", "list", 1, 0), '"b]", {'),
        (("spaced", "dotted.part", "list", 1, 1, "k"), "k = 'v'"),
        (("spaced", "dotted.part", "list", 3), "0x1F,"),
        (("a", "b"), "b.c]"),
        (("a",), "a]\ny"),
        (("a", "y"), "y   =   2"),
        (("people", 0, "name"), 'name = "one"'),
        (("people", 0, "address", "street"), 'street = "s"'),
        (("people", 1, "name"), 'name = "two"'),
        (("people", 1, "phones", 0, "n"), "n = 1\n"),
    ],
)
def test_a_key_is_found_however_it_is_written(path: KeyPath, expected: str) -> None:
    places = find_places(NASTY)

    place = places.by_path[path]

    assert NASTY[place.key :].startswith(expected)


def test_every_key_of_a_nasty_file_has_a_place() -> None:
    tree = tomllib.loads(NASTY)

    found = set(find_places(NASTY).by_path)

    assert {path for path, _ in leaves(tree)} <= found


def test_columns_count_characters_and_lines_count_line_feeds() -> None:
    text = 'a = "é😀"\n\tb = { ü = 1 }\n'.replace("ü", '"ü"')

    places = find_places(text)

    assert places.line_and_column(places.by_path["b",].key) == (2, 2)
    assert places.line_and_column(places.by_path["b", "ü"].start) == (2, 14)


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=6)
scalars = st.one_of(
    st.integers(-(2**40), 2**40),
    st.booleans(),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12),
    st.sampled_from(["]", "}", "# no comment", "=", "'''", '"""', "\\", '"', "a\nb = 1"]),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
documents = st.dictionaries(names, values, max_size=4)


@given(documents, st.data())
def test_each_found_place_points_at_its_key_and_its_value(
    document: dict[str, Any], data: st.DataObject
) -> None:
    text = rendered(document, data.draw)
    assert tomllib.loads(text) == document

    places = find_places(text)

    for path, value in leaves(document):
        place = places.by_path[path]
        if isinstance(path[-1], str):
            assert read_key(text[place.key :]) == path[-1]
        if place.end > place.start:
            assert tomllib.loads(f"x = {text[place.start : place.end]}")["x"] == value


def leaves(value: Any, path: KeyPath = ()) -> list[tuple[KeyPath, Any]]:  # noqa: ANN401 (TOML)
    """Every key and element inside ``value``, tables included, with its value."""
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    inside = [((*path, name), member) for name, member in members]
    return [found for at, member in inside for found in ((at, member), *leaves(member, at))]


def read_key(text: str) -> str:
    """The key that a TOML text begins with."""
    end = min((at for mark in "=.]" if (at := outside_quotes(text, mark)) >= 0), default=len(text))
    return str(next(iter(tomllib.loads(f"{text[:end]} = 1"))))


def outside_quotes(text: str, mark: str) -> int:
    """Where ``mark`` first stands outside of a quoted key; -1 when nowhere."""
    if not text.startswith('"'):
        return text.find(mark)
    at = 1
    while text[at] != '"':
        at += 2 if text[at] == "\\" else 1
    return text.find(mark, at)


def rendered(document: dict[str, Any], draw: Any) -> str:  # noqa: ANN401 (a function of Hypothesis)
    """``document`` as TOML, in one of the many ways to write it: tables or inline, comments, blanks."""
    lines: list[str] = []
    tables: list[tuple[str, dict[str, Any]]] = []
    for name, value in document.items():
        style = draw(st.sampled_from(["table", "array", "plain"]))
        if style == "table" and isinstance(value, dict):
            tables.append((f"[ {quoted(name)} ]", value))
        elif (
            style == "array" and isinstance(value, list) and value and all(isinstance(e, dict) for e in value)
        ):
            tables.extend((f"[[{quoted(name)}]]", element) for element in value)
        else:
            lines.append(pair(name, value, draw))
    for header, table in tables:
        lines += [f"{header} # [{header}]", *(pair(name, value, draw) for name, value in table.items())]
    return "\n".join(lines) + str(draw(st.sampled_from(["", "\n", "\n# end"])))


def pair(name: str, value: Any, draw: Any) -> str:  # noqa: ANN401 (TOML)
    blank = draw(st.sampled_from(["", " ", "\t"]))
    return f"{blank}{quoted(name)}{blank}={blank}{inline(value, draw)}{blank}# {quoted(name)} = 1"


def quoted(name: str) -> str:
    return name if name.isascii() and name.isalnum() else json.dumps(name, ensure_ascii=False)


def inline(value: Any, draw: Any) -> str:  # noqa: ANN401 (TOML)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(name)} = {inline(each, draw)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        between = str(draw(st.sampled_from([",", ", ", " ,\n  # ]\n"])))
        return "[" + between.join(inline(each, draw) for each in value) + "]"
    if isinstance(value, str):
        return text_form(value, draw)
    return json.dumps(value)


def text_form(value: str, draw: Any) -> str:  # noqa: ANN401 (a function of Hypothesis)
    forms = [json.dumps(value, ensure_ascii=False)]
    if "'" not in value and "\n" not in value:
        forms.append(f"'{value}'")
    if "'''" not in value and not value.endswith("'") and not value.startswith("\n"):
        forms.append(f"'''{value}'''")
    return str(draw(st.sampled_from(forms)))
