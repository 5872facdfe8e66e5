"""A request comes out as the vendor's documentation shows it, with types kept and the valueless left out."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poller.core.request import PLACEHOLDERS, Json, Request, Template, render


def get(path: str = "/rows", **params: Json) -> Template:
    return Template("GET", path, tuple(params.items()))


def sent_body(body: Json, **values: Json) -> object:
    request = render(Template("POST", "/search", body=body), values)
    assert request.body is not None
    return json.loads(request.body)


def test_a_request_is_filled_in_every_part() -> None:
    template = Template(
        "POST",
        "/v1/{key}/search",
        params=(("since", ">={since}"), ("limit", "{size}")),
        headers=(("X-Page", "{page}"), ("Accept", "application/json")),
        body={"offset": "{offset}", "note": "från {since}"},
    )

    request = render(template, {"key": "a b", "since": "2026-01-01", "size": 200, "page": 3, "offset": 0})

    assert request == Request(
        "POST",
        "/v1/a%20b/search",
        (("since", ">=2026-01-01"), ("limit", "200")),
        (("X-Page", "3"), ("Accept", "application/json")),
        '{"offset": 0, "note": "från 2026-01-01"}'.encode(),
    )


@pytest.mark.parametrize("value", [0, 200, "", "abc", 1.5, True, False, [1, 2], {"a": None}])
def test_a_value_that_is_one_placeholder_keeps_its_type_in_a_body(value: Json) -> None:
    assert sent_body({"x": "{cursor}"}, cursor=value) == {"x": value}


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (200, "200"), ("", ""), ("a b&c", "a b&c"), (True, "true"), (1.5, "1.5")]
)
def test_a_parameter_is_text_and_a_falsy_value_is_sent(value: Json, text: str) -> None:
    assert render(get(x="{cursor}"), {"cursor": value}).params == (("x", text),)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "p:0"), ("", "p:"), (True, "p:true"), (["å"], 'p:["å"]'), ("{size}", "p:{size}")]
)
def test_inside_a_longer_text_a_value_is_formatted_once(value: Json, text: str) -> None:
    assert render(get(x="p:{cursor}"), {"cursor": value, "size": 5}).params == (("x", text),)


@pytest.mark.parametrize("values", [{}, {"since": None}])
def test_what_has_no_value_is_left_out_with_its_parameter_and_header(values: dict[str, Json]) -> None:
    template = Template(
        "GET",
        "/rows",
        params=(("a", "{since}"), ("b", ">{since}"), ("c", "1")),
        headers=(("If-Modified-Since", "{since}"), ("Accept", "*/*")),
    )

    request = render(template, values)

    assert request.params == (("c", "1"),)
    assert request.headers == (("Accept", "*/*"),)


def test_what_has_no_value_is_left_out_with_its_member_or_its_whole_element() -> None:
    body: Json = {
        "filters": [
            {"field": "status", "value": "open"},
            {"field": "updated", "op": ">", "value": "{since}"},
            {"field": "deep", "any": [{"of": ["{since}"]}]},
            "{since}",
            ["{size}", "{since}"],
            ["{size}", None],
        ],
        "cursor": "{cursor}",
        "inner": {"cursor": "{cursor}", "kept": 1},
    }

    assert sent_body(body, size=7) == {
        "filters": [{"field": "status", "value": "open"}, [7, None]],
        "inner": {"kept": 1},
    }


def test_null_and_plain_values_in_a_body_stay_as_they_are() -> None:
    body: Json = {"null": None, "int": 0, "no": False, "list": [], "object": {}, "text": ""}

    assert sent_body(body) == body


def test_a_body_that_is_nothing_but_a_placeholder_without_a_value_is_refused() -> None:
    with pytest.raises(ValueError, match="body"):
        render(Template("POST", "/", body="{cursor}"), {})


def test_a_request_without_a_body_sends_none() -> None:
    assert render(Template("GET", "/"), {}).body is None


def test_a_path_cannot_do_without_its_value() -> None:
    with pytest.raises(ValueError, match=r"/rows/\{key\}"):
        render(get("/rows/{key}"), {"size": 1})


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a/b?c#d", "a%2Fb%3Fc%23d"),
        ("50%", "50%25"),
        ("ø", "%C3%B8"),
        (0, "0"),
        ("", ""),
        ("{size}", "%7Bsize%7D"),
    ],
)
def test_a_value_cannot_leave_its_place_in_the_path(value: Json, written: str) -> None:
    assert render(get("/rows/{key}/x"), {"key": value, "size": 1}).target == f"/rows/{written}/x"


def test_a_path_that_is_nothing_but_a_number_is_text() -> None:
    assert render(get("{key}"), {"key": 12}).target == "12"


def test_a_list_of_values_repeats_the_parameter() -> None:
    template = Template("GET", "/", (("status", ["open", "{since}", "{size}"]),))

    assert render(template, {"size": 3}).params == (("status", "open"), ("status", "3"))


def test_the_order_of_the_settings_is_the_order_on_the_wire() -> None:
    assert [name for name, _ in render(get(z="1", a="{size}", m="2"), {"size": 1}).params] == ["z", "a", "m"]


def test_doubled_braces_are_braces() -> None:
    template = get(q='{{"since": "{since}"}}', raw="{{size}}", lone="{{", odd="{ size }", number="{1}")

    params = dict(render(template, {"since": "x", "size": 1}).params)

    assert params == {"q": '{"since": "x"}', "raw": "{size}", "lone": "{", "odd": "{ size }", "number": "{1}"}
    assert template.placeholders() == {"since"}


def test_placeholders_are_found_wherever_they_stand() -> None:
    template = Template(
        "POST",
        "/{parent.id}",
        params=(("a", ["{since}", {"b": "{until}"}]),),
        headers=(("H", "x{page}"),),
        body={"deep": [{"deeper": ("{cursor}", "{size} of {offset}")}], "number": 1},  # type: ignore[dict-item]
    )

    assert template.placeholders() == {"parent.id", "since", "until", "page", "cursor", "size", "offset"}


_TEXTS = st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs"]), max_size=8)
_PLAIN: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=10,
)


@given(
    body=_PLAIN.filter(lambda value: value is not None),
    values=st.dictionaries(st.sampled_from(sorted(PLACEHOLDERS)), _PLAIN),
)
def test_a_body_without_placeholders_arrives_as_it_was_written(body: Json, values: dict[str, Json]) -> None:
    request = render(Template("POST", "/", body=body), values)

    assert request.body is not None
    assert json.loads(request.body) == body


@given(value=_PLAIN.filter(lambda value: value is not None))
def test_any_value_survives_where_it_stands_alone(value: Json) -> None:
    assert sent_body(["{cursor}"], cursor=value) == [value]
