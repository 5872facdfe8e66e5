"""Reads dead letters again by today's settings, merges what can be mirrored now, and closes those letters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

import structlog

from poller.core.errors import PollerError, SettingsError, Stopped, StoreError
from poller.core.fingerprint import describe_change
from poller.core.model import Stream
from poller.core.page import Reject
from poller.core.replay import Kept, Replayed, Reread, as_commit, by_moment, reread
from poller.core.runs import OpenRun, Outcome, RunKind, RunOutcome
from poller.core.steps import Committed
from poller.engine.run import Runner

log = structlog.get_logger("poller.run")


class LetterBox(Protocol):
    """Where dead letters are kept."""

    def kept(self, stream: str, numbers: Sequence[int]) -> Sequence[Kept]:
        """Those of these letters that are open, with their bytes."""
        ...

    def settle(
        self, run: OpenRun, closed: Sequence[int], still: Sequence[tuple[int, Reject]], now: datetime
    ) -> None:
        """Close the letters whose records are in the mirror by now; the others get today's reason."""
        ...

    def discard(self, stream: str, numbers: Sequence[int], now: datetime) -> int:
        """Close those of these letters that are open; how many there were."""
        ...


@dataclass
class _Tally:
    closed: int = 0
    seen: int = 0
    done: Committed = field(default_factory=Committed)
    still: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Replayer:
    """Replays one stream's letters, as a run of its own. ``told`` hears how many of how many were seen."""

    runner: Runner
    box: LetterBox
    told: Callable[[int, int], None] = lambda _seen, _of: None

    def replay(self, stream: Stream, numbers: Sequence[int]) -> Replayed:
        """Never raises what a replay can run into: the outcome says it. The lease must be held."""
        memory, clock = self.runner.memory, self.runner.clock
        nothing = Replayed(str(stream), None, Outcome.FAILED, len(numbers))
        try:
            self._require_unblocked(stream)
            run = memory.begin(stream, RunKind.REPLAY, clock(), None)
        except (StoreError, SettingsError) as error:
            return replace(nothing, error=str(error), hint=error.hint)
        tally = _Tally()
        broken = self._played(run, numbers, tally)
        outcome = Outcome.OK if broken is None else Outcome.FAILED
        if isinstance(broken, Stopped):
            outcome, broken = Outcome.STOPPED, None
        told = None if broken is None else self.runner.clean(str(broken))
        self._end(run, RunOutcome(outcome), told)
        return replace(
            nothing,
            run_id=run.run_id,
            outcome=outcome,
            closed=tally.closed,
            done=tally.done,
            still=dict(tally.still),
            error=told,
            hint=None if broken is None else broken.hint,
        )

    def _played(self, run: OpenRun, numbers: Sequence[int], tally: _Tally) -> PollerError | None:
        """Play them; what broke it off, None when nothing did."""
        try:
            self._play(run, self.box.kept(str(run.stream), numbers), tally)
        except PollerError as error:
            return error
        except Exception as defect:  # must end the run, or it would stay open
            log.exception("defect", stream=str(run.stream), run=run.run_id)
            return PollerError(f"a defect in poller: {defect!r}")
        return None

    def _require_unblocked(self, stream: Stream) -> None:
        """Read by another key, a record would stand beside itself in the mirror."""
        held, now = self.runner.memory.state(stream).fingerprint, self.runner.fingerprint(stream)
        if held is not None and held != now:
            raise SettingsError(
                f"{stream} is blocked: the settings that give its watermark its meaning changed "
                f"({describe_change(held, now)})",
                hint=f"`poller watermark reset {stream} --start` first; then replay what is still open",
            )

    def _play(self, run: OpenRun, letters: Sequence[Kept], tally: _Tally) -> None:
        again = [reread(run.stream, letter) for letter in letters]
        bad = [each for each in again if each.still is not None]
        tally.still.update(each.still.reason for each in bad if each.still is not None)
        stay = [(each.letter.number, each.still) for each in bad if each.still is not None]
        self.box.settle(run, (), stay, self.runner.clock())
        tally.seen = len(bad)
        for together in by_moment([each for each in again if each.still is None]):
            if self.runner.stop.is_set():
                raise Stopped(f"{run.stream}: asked to stop; what was replayed so far stands")
            self._merge(run, together, tally)
            self.told(tally.seen, len(letters))

    def _merge(self, run: OpenRun, together: Sequence[Reread], tally: _Tally) -> None:
        """One transaction; when the database cannot store one of several records, each letter by itself."""
        rejects = sum(len(each.rejects) for each in together)
        done = self.runner.memory.commit(run, as_commit(run.stream, together), ())
        unstorable = done.dead - rejects
        if unstorable > 0 and len(together) > 1:
            tally.done += replace(done, unchanged=0, dead=0)
            for each in together:
                self._merge(run, [each], tally)
            return
        tally.done += done
        tally.seen += len(together)
        if unstorable > 0 and together[0].letter.reason != "page":
            tally.still["value"] += 1
            return
        closed = [each.letter.number for each in together]
        self.box.settle(run, closed, (), self.runner.clock())
        tally.closed += len(closed)

    def _end(self, run: OpenRun, outcome: RunOutcome, told: str | None) -> None:
        try:
            self.runner.memory.end(run, outcome, self.runner.clock(), (), told)
        except StoreError as refused:  # the next owner finds the open run and closes it
            log.error("run not closed", stream=str(run.stream), run=run.run_id, error=str(refused))
