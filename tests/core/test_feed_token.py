"""A reader's token: what it says comes back, and nothing but a whole one is taken for one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poller.core.feed_token import Bookmark, FeedToken, read_token

NAMES = st.text(min_size=1, max_size=20).filter(lambda name: name.isprintable())
MARKS = st.builds(Bookmark, st.integers(0, 2**62), st.none() | st.integers(0, 2**55))
TOKENS = st.builds(FeedToken, st.dictionaries(NAMES, MARKS, max_size=6))
WHOLE = FeedToken({"shop.orders": Bookmark(120, 1_790_000_000_000_000), "shop.users": Bookmark(7)})


@given(TOKENS)
def test_a_token_says_after_its_journey_what_it_said_before(token: FeedToken) -> None:
    text = str(token)

    assert read_token(text) == token
    assert re.fullmatch(r"[A-Za-z0-9._~-]+", text)
    assert not text.isdecimal()


def test_equal_places_are_one_text_whatever_their_order() -> None:
    one = FeedToken({"a.b": Bookmark(1), "a.c": Bookmark(2)})
    other = FeedToken({"a.c": Bookmark(2), "a.b": Bookmark(1)})

    assert str(one) == str(other)


@pytest.mark.parametrize("length", range(len(str(WHOLE))))
def test_no_beginning_of_a_token_is_a_token(length: int) -> None:
    with pytest.raises(ValueError, match=r"cut off|no token"):
        read_token(str(WHOLE)[:length])


@pytest.mark.parametrize("place", range(len(str(WHOLE))))
def test_a_token_with_one_letter_changed_is_none(place: int) -> None:
    text = str(WHOLE)
    other = "A" if text[place] != "A" else "B"

    with pytest.raises(ValueError, match=r"damaged|no token"):
        read_token(text[:place] + other + text[place + 1 :])


def test_what_a_copy_from_a_screen_adds_at_the_ends_does_no_harm() -> None:
    assert read_token(f"  {WHOLE}\n") == WHOLE


def test_a_token_of_a_later_version_is_named_as_such() -> None:
    with pytest.raises(ValueError, match="of version c2, and this program reads c1"):
        read_token("c2.abc.00000000")


def test_a_stream_that_the_token_does_not_name_is_at_its_beginning() -> None:
    assert WHOLE.at("shop.added_later") == Bookmark(0)


def test_going_on_moves_one_stream_and_keeps_its_birth_and_all_others() -> None:
    moved = WHOLE.past("shop.orders", 121)

    assert moved.at("shop.orders") == Bookmark(121, 1_790_000_000_000_000)
    assert moved.at("shop.users") == Bookmark(7)
    assert WHOLE.at("shop.orders").seq == 120
