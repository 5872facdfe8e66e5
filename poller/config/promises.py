"""Writes the table of guarantees: what each combination of settings is promised, from what promises it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import product

from poller.core.grade import Grade, grade
from poller.core.model import Bound, Kind, Order, SinceRule, Stream
from poller.core.paging import Pager, Steering
from poller.core.path import Path
from poller.core.position import TimeFormat
from poller.core.request import Template
from poller.pagers.cursor import Cursor
from poller.pagers.keyset import Keyset
from poller.pagers.link import LinkHeader
from poller.pagers.next_url import NextUrl
from poller.pagers.none import SinglePage
from poller.pagers.offset import Offset
from poller.pagers.page import PageNumber
from poller.schedules.interval import Interval

PAGERS: Mapping[str, Pager] = {
    "none": SinglePage(),
    "offset": Offset(),
    "page": PageNumber(),
    "cursor": Cursor(next=Path("next")),
    "cursor, from_key": Cursor(from_key=True),
    "next_url": NextUrl(next=Path("next")),
    "link": LinkHeader(),
    "keyset": Keyset(),
}
SINCE: Mapping[str, SinceRule | None] = {
    "timestamp, closed": SinceRule(bound=Bound.CLOSED, lookback=timedelta(minutes=2)),
    "timestamp, open": SinceRule(bound=Bound.OPEN, lookback=timedelta(minutes=2)),
    "integer, closed": SinceRule(how=TimeFormat("integer"), kind=Kind.INTEGER, count=10),
    "integer, open": SinceRule(how=TimeFormat("integer"), kind=Kind.INTEGER, bound=Bound.OPEN, count=10),
    "token": SinceRule(kind=Kind.TOKEN, token=Path("token")),
    "no since": None,
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination, and the stream that has it."""

    pager: str
    order: Order
    ties: str
    since: str
    stream: Stream

    @property
    def grade(self) -> Grade:
        return grade(self.stream)

    def __str__(self) -> str:
        return f"{self.pager} {self.order} {self.ties} {self.since}"


def cells() -> Iterator[Cell]:
    """Every combination that settings can have."""
    for name, order, ties, since in product(PAGERS, Order, ("stable", "unstable"), SINCE):
        pager, rule = PAGERS[name], SINCE[since]
        if _can_be(pager, order, rule):
            yield Cell(name, order, ties, since, _stream(pager, order, ties, rule))


_INTRODUCTION = """\
# What is guaranteed

What the mirror is after the next poll during which nothing moves, whatever was changed, added and deleted
while pages were read before. `poller check` says the same of your own streams, in sentences.

| word | meaning |
|---|---|
| exact | it equals the API, and poller itself has seen to it (how: [scans](../explanation/scans.md)) |
| agreed | whole readings were repeated until they agreed: evidence, and no proof |
| trusted | as good as the API's own cursors, tokens or single answers are |
| refused | rows could be lost: `poller check` refuses the settings, unless `accept` names the rule |
| - | there are no such settings |

Rows that are deleted, and rows that change without a newer position, are another matter: `deletes` says how
deletions show. A bound that nobody stated, without a lookback, is refused everywhere (`bound-unsaid`).
`order` is what the request asks for; where the API does not keep it, the listing is read again as if none
had been asked for. When a numbered page shows none of the rows that it showed before, the whole listing is
read again; newest first, what comes in front pushes rows back again, so that whole readings have to agree.
In other orders than ascending, integers trail one poll behind: no clock says how far a scan answers for. Each
combination that is called exact is tested by a scenario that moves, adds and deletes rows during the scan
(`tests/scenario/test_promises.py`).

This page is made from the code; `make docs` writes it anew.
"""


def promises_page() -> str:
    """The whole page as Markdown."""
    return "\n".join(_page()).rstrip() + "\n"


def _page() -> Iterator[str]:
    yield _INTRODUCTION
    yield "| page.type | order | ties | " + " | ".join(SINCE) + " |"
    yield "|" + "---|" * (3 + len(SINCE))
    rows: dict[tuple[str, str, str], dict[str, str]] = {}
    for cell in cells():
        rows.setdefault((cell.pager, cell.order.value, cell.ties), {})[cell.since] = cell.grade.value
    for place, grades in rows.items():
        yield "| " + " | ".join((*place, *(grades.get(since, "-") for since in SINCE))) + " |"


def _can_be(pager: Pager, order: Order, rule: SinceRule | None) -> bool:
    opaque = rule is not None and rule.kind is Kind.TOKEN
    if opaque and order in (Order.ASC, Order.DESC):
        return False
    if pager.steering is Steering.POSITION:
        return opaque or (order is Order.ASC and rule is not None)
    return True


def _stream(pager: Pager, order: Order, ties: str, rule: SinceRule | None) -> Stream:
    since = () if rule is None else (("since", "{since}"),)
    return Stream(
        source="api",
        name="rows",
        table="rows",
        template=Template("GET", "/rows", since),
        pager=pager,
        schedule=Interval(timedelta(minutes=5)),
        key=(Path("id"),),
        updated_at=Path("updated_at"),
        order=order,
        ties="stable" if ties == "stable" else "unstable",
        since=rule,
    )
