"""One run from its state to its report: plan, drive, close. Every error is logged here, once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

import structlog

from poller.core.errors import (
    Category,
    FetchError,
    PollerError,
    SettingsError,
    Stopped,
    StoreError,
    StoreUnavailable,
)
from poller.core.fingerprint import describe_change
from poller.core.ledger import Liveness, Reason
from poller.core.model import Stream
from poller.core.poll import poll
from poller.core.runs import Outcome, Report, RunKind, RunOutcome, StreamState
from poller.core.scan.progress import without_cursor
from poller.core.steps import Checkpoint, Committed
from poller.core.window import Scan, plan_window
from poller.engine.driver import BudgetUsed, Hands, drive
from poller.engine.ports import Clock, Memory, Voice

OF_THE_CURSOR = frozenset(
    {Category.ORIGIN, Category.REFUSED, Category.SHAPE, Category.BOUNDS, Category.SERVER}
)
"""Failures that a stored cursor may be the cause of."""

LONGEST_ERROR = 1000
"""Characters of an error that are kept. It is cut when it is clean: half a secret is not known again."""

log = structlog.get_logger("poller.run")


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs polls, one at a time per stream. ``voice`` lends a source's voice by its name;
    ``fingerprint`` the text that names all that gives a stream's watermark its meaning; ``clean``
    takes secrets out of what is written down. ``failing`` holds the last error of each stream, so
    that an error is logged when it appears and not at every slot.
    """

    memory: Memory
    voice: Callable[[str], AbstractContextManager[Voice]]
    fingerprint: Callable[[Stream], str]
    ahead: Executor
    clock: Clock
    stop: threading.Event
    clean: Callable[[str], str] = str
    failing: dict[str, str] = field(default_factory=dict)

    def poll(self, stream: Stream, kind: RunKind, liveness: Liveness | None = None) -> Report:
        """One poll. Never raises what a poll can run into: the report says it."""
        try:
            with self.voice(stream.source) as voice:
                report = self._poll(voice, stream, kind, liveness)
        except (StoreError, SettingsError) as error:
            away = isinstance(error, StoreUnavailable)
            report = replace(_not_begun(stream, error), database_away=away)
        return self._logged(report)

    def _poll(self, voice: Voice, stream: Stream, kind: RunKind, liveness: Liveness | None) -> Report:
        """Raises StoreError, SettingsError when the run cannot be begun."""
        fingerprint, state = self.fingerprint(stream), self.memory.state(stream)
        if state.fingerprint is not None and state.fingerprint != fingerprint:
            return self._blocked(stream, state, fingerprint, liveness)
        begun = self.memory.begin(stream, kind, self.clock(), liveness)
        run = replace(begun, epoch=state.epoch)  # a reset between the two fences this run off
        hands = Hands(
            run=run,
            voice=voice,
            memory=self.memory,
            ahead=self.ahead,
            clock=self.clock,
            stop=self.stop,
            give_up_at=run.started_at + stream.budget,
            clean=self.clean,
        )
        scan = plan_window(
            stream,
            fingerprint,
            run.started_at,
            watermark=state.watermark,
            watermark_text=state.watermark_text,
            previous_highest=state.highest,
            validators=state.validators,
        )
        return self._drive(hands, scan, state)

    def _drive(self, hands: Hands, scan: Scan, state: StreamState) -> Report:
        try:
            self._read_window(hands, scan, state.checkpoint)
        except PollerError as error:
            return self._broken_off(hands, state, error)
        except Exception as error:  # a defect of ours must not take the other streams along
            log.exception("defect", stream=str(hands.run.stream), run=hands.run.run_id)
            return self._broken_off(hands, state, PollerError(f"a defect in poller: {error!r}"))
        return self._closed(hands, state, RunOutcome(Outcome.OK), None)

    def _read_window(self, hands: Hands, scan: Scan, checkpoint: Checkpoint | None) -> None:
        """Drive the scan; a cursor from an earlier run that brings nothing but errors is given up, once."""
        try:
            drive(poll(scan, checkpoint), hands)
        except FetchError as error:
            given_up = None
            if checkpoint is not None and hands.pages == 0 and error.category in OF_THE_CURSOR:
                given_up = without_cursor(scan, checkpoint, error.message)
            if given_up is None:
                raise
            log.warning("cursor given up", stream=str(hands.run.stream), error=str(error))
            drive(poll(scan, given_up), hands)

    def _broken_off(self, hands: Hands, state: StreamState, error: PollerError) -> Report:
        outcome = _outcome_of(error)
        if isinstance(error, FetchError) and error.body is not None:
            self._keep(hands, error)
        said = None if outcome.outcome in (Outcome.PARTIAL, Outcome.STOPPED) else error
        return self._closed(hands, state, outcome, said)

    def _keep(self, hands: Hands, error: FetchError) -> None:
        try:
            self.memory.keep_page(hands.run, error.body or b"", error.message, error.request_id, self.clock())
        except StoreError as refused:
            log.error("dead page not kept", stream=str(hands.run.stream), error=str(refused))

    def _closed(
        self, hands: Hands, state: StreamState, outcome: RunOutcome, error: PollerError | None
    ) -> Report:
        run, told = hands.run, None if error is None else self.clean(_told(error))[:LONGEST_ERROR]
        after = state.place
        try:
            self.memory.end(run, outcome, self.clock(), hands.attempts(), told)
            after = self.memory.state(run.stream).place
        except StoreError as refused:  # the next owner finds the open run and closes it
            log.error("run not closed", stream=str(run.stream), run=run.run_id, error=str(refused))
        return Report(
            stream=str(run.stream),
            run_id=run.run_id,
            outcome=outcome.outcome,
            done=hands.done,
            rows=hands.rows,
            requests=hands.requests,
            before=state.place,
            after=after,
            slot=run.slot,
            category=outcome.category,
            error=told,
            hint=None if error is None else error.hint,
        )

    def _blocked(
        self, stream: Stream, state: StreamState, fingerprint: str, liveness: Liveness | None
    ) -> Report:
        """The watermark was made under other settings: polling on would skip rows in silence."""
        if liveness is not None:
            self.memory.pass_by(stream, Reason.SETTINGS, self.clock(), liveness)
        changed = describe_change(state.fingerprint or "", fingerprint)
        error = SettingsError(
            f"{stream} is blocked: the settings that give its watermark its meaning changed ({changed})",
            hint=f"`poller watermark reset {stream} --start` reads it again from the start (--to and --back "
            "from another point), or put the setting back",
        )
        return replace(_not_begun(stream, error), before=state.place, after=state.place)

    def _logged(self, report: Report) -> Report:
        facts = {
            "stream": report.stream,
            "run": report.run_id,
            "rows": report.rows,
            "inserted": report.done.inserted,
            "updated": report.done.updated,
            "dead": report.done.dead,
            "requests": report.requests,
        }
        if report.error is not None:
            held = report.category is Category.RATE_LIMITED
            sign = str(report.category) if held else report.error  # how long it has to wait is no news
            known = self.failing.get(report.stream) == sign
            self.failing[report.stream] = sign
            say = log.debug if known else (log.warning if held else log.error)
            say("poll failed", **facts, error=report.error, hint=report.hint)
            return report
        self.failing.pop(report.stream, None)
        busy = report.done.inserted or report.done.updated or report.done.deleted or report.done.dead
        if report.outcome is Outcome.PARTIAL:
            log.warning("poll not finished", **facts, hint="its budget is used up; the next poll goes on")
        elif busy:
            log.info("poll", outcome=str(report.outcome), **facts)
        else:
            log.debug("poll", outcome=str(report.outcome), **facts)
        return report


def _outcome_of(error: PollerError) -> RunOutcome:
    if isinstance(error, Stopped):
        return RunOutcome(Outcome.STOPPED)
    if isinstance(error, BudgetUsed):
        return RunOutcome(Outcome.PARTIAL)
    return RunOutcome(Outcome.FAILED, error.category if isinstance(error, FetchError) else None)


def _not_begun(stream: Stream, error: PollerError) -> Report:
    return Report(
        str(stream), None, Outcome.FAILED, Committed(), 0, 0, None, None, error=_told(error), hint=error.hint
    )


def _told(error: PollerError) -> str:
    named = f" (request {error.request_id})" if isinstance(error, FetchError) and error.request_id else ""
    return f"{error}{named}"
