"""A dead letter is read again by today's settings, and counts as what the API showed when it came."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from poller.core.model import Kind, SinceRule
from poller.core.position import TimeFormat, from_datetime
from poller.core.replay import MOST_AT_ONCE, Kept, Replayed, as_commit, by_moment, reread
from poller.core.runs import Outcome
from poller.core.steps import Committed
from tests.core.streams import NOON, a_stream

CALLS = a_stream()
FINE = b'{"id": 1, "at": "2026-11-21T11:00:00Z"}'


def kept(payload: bytes, reason: str = "key", number: int = 1, at: datetime = NOON) -> Kept:
    return Kept(number, reason, payload, at, "req-1")


def test_a_record_that_can_be_read_by_now_is_one() -> None:
    again = reread(CALLS, kept(FINE))

    assert ([record.key for record in again.records], again.still) == (["1"], None)
    assert again.records[0].payload == FINE.decode()


def test_a_record_that_still_cannot_be_read_keeps_todays_reason() -> None:
    again = reread(CALLS, kept(b'{"id": null}', reason="value"))

    assert again.records == ()
    assert again.still is not None
    assert again.still.reason == "key"


def test_a_whole_answer_gives_its_records_and_the_rows_that_are_none() -> None:
    body = b'{"rows": [{"id": 1}, {"name": "no key"}, {"id": 2}]}'

    again = reread(CALLS, kept(body, reason="page"))

    assert [record.key for record in again.records] == ["1", "2"]
    assert [reject.reason for reject in again.rejects] == ["key"]
    assert again.still is None


@pytest.mark.parametrize("body", [b"<html>", b'{"error": "none"}', b""])
def test_an_answer_that_is_still_no_page_stays_one(body: bytes) -> None:
    still = reread(CALLS, kept(body, reason="page")).still

    assert still is not None
    assert (still.reason, still.payload) == ("page", body)
    assert "still no page" in still.detail


def test_it_is_merged_as_of_when_it_came_and_moves_nothing() -> None:
    commit = as_commit(CALLS, [reread(CALLS, kept(FINE))])

    assert (commit.requested_at, commit.request_id) == (NOON, "req-1")
    assert commit.edge == from_datetime(NOON)
    assert (commit.checkpoint, commit.finish, commit.notices) == (None, None, ())


def test_numbers_have_no_edge() -> None:
    counting = SinceRule(kind=Kind.INTEGER, how=TimeFormat("integer"))
    stream = replace(CALLS, since=counting)

    assert as_commit(stream, [reread(stream, kept(FINE))]).edge is None


def test_a_stream_without_since_has_one() -> None:
    stream = replace(CALLS, since=None)

    assert as_commit(stream, [reread(stream, kept(FINE))]).edge == from_datetime(NOON)


def test_letters_are_merged_in_the_order_in_which_they_came_and_not_too_many_at_once() -> None:
    early, late = NOON - timedelta(hours=1), NOON
    letters = [kept(FINE, number=0, at=late)]
    letters += [kept(FINE, number=n, at=early) for n in range(1, MOST_AT_ONCE + 2)]

    groups = list(by_moment([reread(CALLS, letter) for letter in letters]))

    assert [len(group) for group in groups] == [MOST_AT_ONCE, 1, 1]
    assert groups[-1][0].letter.number == 0


def test_letters_without_a_request_id_go_with_those_of_their_moment() -> None:
    one, other = kept(FINE, number=1), replace(kept(FINE, number=2), request_id=None)

    assert len(list(by_moment([reread(CALLS, one), reread(CALLS, other)]))) == 2


@pytest.mark.parametrize(
    "outcome",
    [
        Replayed("crm.issues", 7, Outcome.OK, 3, 2, Committed(inserted=1), {"key": 1}),
        Replayed("crm.issues", None, Outcome.FAILED, 3, error="blocked", hint="reset it"),
    ],
)
def test_what_came_of_a_replay_comes_back_from_json(outcome: Replayed) -> None:
    assert Replayed.read(json.loads(json.dumps(outcome.written()))) == outcome
