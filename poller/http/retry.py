"""Repeats a request as patiently as its stream allows. tenacity turns the wheel."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
    wait_random_exponential,
)
from tenacity.wait import wait_base

from poller.core.errors import FetchError
from poller.core.model import Retry
from poller.http.patience import Patience

T = TypeVar("T")


class Repeat(Exception):
    """This attempt failed and another may succeed.

    ``failure`` is what to report when there is none. ``held``: the server said when to come
    back, and the source's hold keeps that time; no backoff is added to it.
    """

    def __init__(self, failure: FetchError, *, held: bool) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.held = held


def persist(rule: Retry, patience: Patience, once: Callable[[], T]) -> T:
    """The first result of ``once``, called up to ``rule.attempts`` times while it raises Repeat.

    Raises the last FetchError when the attempts, or the time for another, are used up;
    Stopped while waiting.
    """
    backoff = _backoff(rule)

    def pause(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        return 0.0 if isinstance(error, Repeat) and error.held else backoff(state)

    def no_time_left(state: RetryCallState) -> bool:
        return state.upcoming_sleep > patience.left

    wheel = Retrying(
        stop=lambda state: stop_after_attempt(rule.attempts)(state) or no_time_left(state),
        wait=pause,
        retry=retry_if_exception_type(Repeat),
        sleep=patience.sleep,
        reraise=True,
    )
    try:
        return wheel(once)
    except Repeat as last:
        tries = wheel.statistics["attempt_number"]
        raise _exhausted(last.failure, tries, rule.attempts) from last


def _backoff(rule: Retry) -> wait_base:
    """``initial * multiplier ** n`` up to ``maximum``; with full jitter anything from zero to that."""
    kind = wait_random_exponential if rule.jitter == "full" else wait_exponential
    return kind(multiplier=rule.initial.total_seconds(), exp_base=rule.multiplier, max=rule.maximum)


def _exhausted(failure: FetchError, tries: int, allowed: int) -> FetchError:
    why = f"after {tries} of {allowed} attempts"
    why += "" if tries >= allowed else ": the run's budget ends before another"
    return FetchError(
        failure.category,
        f"{failure.message} (gave up {why})",
        status=failure.status,
        request_id=failure.request_id,
        body=failure.body,
        hint=failure.hint,
    )
