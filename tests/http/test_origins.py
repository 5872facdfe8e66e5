"""Only the source's own origin ever hears from us."""

from __future__ import annotations

import pytest

from poller.core.errors import Category, FetchError, SettingsError
from poller.core.page import Page
from poller.http.origins import Base
from tests.http.world import Stage, reply, says


@pytest.mark.parametrize(
    ("base", "target", "url"),
    [
        ("https://h.example", "/issues.json", "https://h.example/issues.json"),
        ("https://h.example/", "issues.json", "https://h.example/issues.json"),
        ("https://h.example/api/v2", "/issues", "https://h.example/api/v2/issues"),
        ("https://h.example/api/v2/", "/issues?a=1", "https://h.example/api/v2/issues?a=1"),
        ("https://h.example/api", "/apiary", "https://h.example/api/apiary"),
        ("https://h.example/api", "?page=2", "https://h.example/api?page=2"),
        ("https://h.example/api", "", "https://h.example/api"),
        ("https://h.example/api", "https://h.example/other?x=%2B#top", "https://h.example/other?x=%2B"),
        ("https://h.example/api", "HTTPS://H.EXAMPLE:443/x", "https://h.example/x"),
        ("http://[::1]:8001", "/x", "http://[::1]:8001/x"),
        ("https://h.example", "/a b/ü", "https://h.example/a%20b/%C3%BC"),
        ("https://h.example", "/a:b", "https://h.example/a:b"),
    ],
)
def test_a_target_becomes_a_url_below_the_base(base: str, target: str, url: str) -> None:
    assert str(Base(base).url_of(target)) == url


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("/api/v2/issues?page=2", "https://h.example:8443/api/v2/issues?page=2"),
        ("/other?page=2", "https://h.example:8443/other?page=2"),
        ("?page=2", "https://h.example:8443/api/v2/issues?page=2"),
        ("page/2", "https://h.example:8443/api/v2/page/2"),
        ("//h.example:8443/x", "https://h.example:8443/x"),
        ("https://h.example:8443/x", "https://h.example:8443/x"),
    ],
)
def test_a_link_is_resolved_against_the_path_whose_answer_gave_it(link: str, url: str) -> None:
    base = Base("https://h.example:8443/api/v2")

    assert str(base.url_of(link, found_under="/issues")) == url


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/x",
        "http://h.example/x",
        "https://h.example:444/x",
        "https://h.example.evil.example/x",
        "https://h.example./x",
        "//evil.example/x",
        "https://h.example@evil.example/x",
        "https://key:secret@h.example/x",
        "https://h.example\\@evil.example/x",
        "ftp://h.example/x",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https:///x",
        "https://h.example:port/x",
        "/x\ny",
    ],
)
def test_a_target_elsewhere_is_refused(target: str) -> None:
    with pytest.raises(FetchError) as caught:
        Base("https://h.example/api").url_of(target, found_under="/list")

    assert caught.value.category is Category.ORIGIN
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "target",
    ["//evil.example/x", "/\\evil.example/x", "\\\\evil.example/x", "///evil.example/x", "/@evil.example/x"],
)
def test_a_trick_that_looks_like_a_host_stays_a_path_at_home(target: str) -> None:
    base = Base("https://h.example/api")

    url = base.url_of(target)

    assert base.owns(url)
    assert url.path.startswith("/api/")


def test_params_are_encoded_so_that_the_server_reads_what_was_meant() -> None:
    params = [("since", ">=2026-11-21T12:00:00+01:00"), ("q", "a&b=c d/ü"), ("q", "")]

    url = Base("https://h.example").url_of("/x?fixed=1", params)

    assert url.query == b"fixed=1&since=%3E%3D2026-11-21T12%3A00%3A00%2B01%3A00&q=a%26b%3Dc%20d%2F%C3%BC&q="
    assert list(url.params.multi_items()) == [("fixed", "1"), *params]


@pytest.mark.parametrize(
    ("base_url", "why"),
    [
        ("h.example/api", "http or https"),
        ("ftp://h.example", "http or https"),
        ("https://", "http or https"),
        ("https://user:hunter2@h.example", "user or password"),
        ("https://h.example/?key=hunter2", "query or fragment"),
        ("https://h.example/#part", "query or fragment"),
        ("https://h.example:port", "no URL"),
    ],
)
def test_a_base_url_that_cannot_be_one_is_a_settings_error(base_url: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why) as caught:
        Base(base_url)

    assert "hunter2" not in str(caught.value)


def test_a_next_page_on_another_origin_is_refused_before_anything_is_sent(stage: Stage) -> None:
    ours, theirs = stage.server(says(reply())), stage.server(says(reply()))
    world = stage.world(ours.origin)

    with pytest.raises(FetchError, match="nothing was sent there") as caught:
        world.fetch(f"{theirs.origin}/things?page=2")

    assert caught.value.category is Category.ORIGIN
    assert (ours.asked, theirs.asked, theirs.connections) == ([], [], 0)


def test_a_next_page_on_our_origin_is_fetched_as_it_was_given(stage: Stage) -> None:
    server = stage.server(says(reply()))
    world = stage.world(f"{server.origin}/api")

    page = world.fetch(f"{server.origin}/elsewhere?cursor=a%2Fb%3D%3D&x=1,2")

    assert isinstance(page, Page)
    assert server.asked[0].target == "/elsewhere?cursor=a%2Fb%3D%3D&x=1,2"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_origin_is_named_and_not_followed(stage: Stage, status: int) -> None:
    theirs = stage.server(says(reply()))
    ours = stage.server(says(reply(status, b"", f"Location: {theirs.origin}/login?token=hunter2")))
    world = stage.world(ours.origin)

    with pytest.raises(FetchError, match=f"HTTP {status} redirects to {theirs.origin}/login") as caught:
        world.fetch()

    assert caught.value.category is Category.ORIGIN
    assert "hunter2" not in str(caught.value)
    assert (len(ours.asked), theirs.connections) == (1, 0)


def test_a_redirect_on_our_own_origin_is_not_followed_either(stage: Stage) -> None:
    server = stage.server(says(reply(301, b"", "Location: /new/things")))
    world = stage.world(server.origin)

    with pytest.raises(FetchError, match=r"redirects to http://.*/new/things") as caught:
        world.fetch()

    assert caught.value.category is Category.REFUSED
    assert len(server.asked) == 1


@pytest.mark.parametrize("location", ["http://[broken/x", "https://evil.example:port/", "//"])
def test_a_redirect_to_nonsense_is_refused(stage: Stage, location: str) -> None:
    server = stage.server(says(reply(302, b"", f"Location: {location}")))
    world = stage.world(server.origin)

    with pytest.raises(FetchError, match="HTTP 302 redirects") as caught:
        world.fetch()

    assert caught.value.status == 302
    assert len(server.asked) == 1


def test_a_redirect_without_a_place_is_refused(stage: Stage) -> None:
    world = stage.world(stage.server(says(reply(307))).origin)

    with pytest.raises(FetchError, match="HTTP 307") as caught:
        world.fetch()

    assert caught.value.category is Category.REFUSED


def test_no_cookie_is_kept(stage: Stage) -> None:
    server = stage.server(says(reply(200, b"[]", "Set-Cookie: session=abc; Path=/")))
    world = stage.world(server.origin)

    world.fetch()
    world.fetch()

    assert "cookie" not in server.asked[1].headers


def test_a_url_that_is_too_long_is_refused() -> None:
    with pytest.raises(FetchError, match="cannot be read") as refusal:
        Base("https://h.example").url_of("/rows", [("cursor", "c" * 1_000_000)])

    assert refusal.value.category is Category.ORIGIN


def test_a_path_is_quoted_no_further_than_is_readable() -> None:
    with pytest.raises(FetchError) as refusal:
        Base("https://h.example").url_of("https://user@h.example/" + "p" * 10_000)

    assert len(str(refusal.value)) < 300
