"""Status codes of every kind, with bodies that tempt."""

from __future__ import annotations

from collections.abc import Iterator

from tests.hostile.case import EITHER, FAILED, OK, Case, Hostile, in_turn
from tests.hostile.script import Right

SUCCESSES = (200, 201, 202, 203, 206, 207, 208, 218, 226, 250, 299)
ODD = (418, 419, 420, 430, 440, 444, 449, 450, 460, 463, 494, 495, 496, 497, 498, 499)
REFUSALS = (*range(400, 418), 421, 422, 423, 424, 425, 426, 428, 429, 431, 451, *ODD)
BREAKDOWNS = (*range(500, 512), 520, 521, 522, 523, 524, 525, 526, 527, 529, 530, 561, 598, 599)
BEYOND = (600, 666, 777, 999)
BODIES: dict[str, bytes | None] = {
    "the page itself": None,
    "no body": b"",
    "HTML": b"<html><h1>It broke</h1></html>",
    "a JSON error": b'{"error":{"code":"E17","message":"no"}}',
    "an empty list": b'{"rows":[],"next":null}',
}


def cases() -> Iterator[Case]:
    yield from in_turn(_statuses())


def _statuses() -> Iterator[Case]:
    shown = list(BODIES.items())
    for number, status in enumerate((*REFUSALS, *BREAKDOWNS, *BEYOND)):
        for name, body in (shown[0], shown[1 + number % 4], shown[1 + (number + 1) % 4]):
            yield Case(f"{status} with {name}", _with(status, body), FAILED)
    for status in SUCCESSES:
        yield Case(f"{status} with the page itself", _with(status, None), OK, mates=status == 200)
        yield Case(f"{status} with no body", _with(status, b""), FAILED)
        yield Case(f"{status} with HTML", _with(status, BODIES["HTML"]), FAILED)
        yield Case(f"{status} with a JSON error", _with(status, BODIES["a JSON error"]), FAILED)
    for status in (204, 205, 304):
        yield Case(f"{status} that nobody asked for", _with(status, b""), FAILED)
        yield Case(f"{status} with the page itself", _with(status, None), EITHER if status == 205 else FAILED)
    for status in (300, 305, 306, 308, 399):
        yield Case(f"{status} without a place", _with(status, b""), FAILED)


def _with(status: int, body: bytes | None) -> Hostile:
    def answer(right: Right) -> bytes:
        return right.answer(body, status=f"{status} Said")

    return answer
