"""Does what other processes ask of the owner of their sources, in the turn of the stream that it concerns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol

import structlog

from poller.core.command import Command, CommandKind, Move, written_report
from poller.core.errors import PollerError, StoreError
from poller.core.model import Stream
from poller.core.runs import Report
from poller.engine.replay import LetterBox, Replayer
from poller.engine.run import Runner
from poller.engine.turns import Turns, Work

log = structlog.get_logger("poller.commands")

RELOAD = "the daemon has not read these settings yet: send it SIGHUP, then ask again"
RESTART = "the daemon is older than this program: restart it, then ask again"


class Inbox(Protocol):
    """The commands to one owner; each step is a compare-and-swap."""

    def waiting(self) -> Sequence[Command]: ...

    def take(self, number: int) -> bool:
        """False when somebody was faster, or it was withdrawn."""
        ...

    def begin(self, number: int) -> bool:
        """False when it was withdrawn after it was taken."""
        ...

    def note(self, number: int, progress: Mapping[str, Any]) -> None: ...

    def done(self, number: int, result: Mapping[str, Any]) -> None: ...

    def failed(self, number: int, error: str, hint: str | None) -> None: ...

    def give_back(self) -> None:
        """What was taken and not begun waits again, the rest is said to be broken off."""
        ...


class Household(Protocol):
    """What the commands need of the house."""

    @property
    def streams(self) -> tuple[Stream, ...]: ...

    @property
    def inbox(self) -> Inbox: ...

    @property
    def letters(self) -> LetterBox: ...

    def runner(self) -> Runner: ...

    def move(self, move: Move) -> int:
        """Move a watermark; the stream's new epoch."""
        ...


class Commands:
    """Looks for commands, in a thread of its own: a slow database must not stop the heart.

    ``poll`` polls a stream for somebody who asked; ``soon`` has a stream polled on its own account;
    ``put_off`` keeps work until the end of a hold, and says whether there is one.
    """

    def __init__(
        self,
        house: Household,
        turns: Turns,
        poll: Callable[[Stream], Report],
        soon: Callable[[str], None],
        put_off: Callable[[Stream, str, Work], bool],
    ) -> None:
        self._house = house
        self._turns = turns
        self._poll = poll
        self._soon = soon
        self._put_off = put_off
        self._desk = ThreadPoolExecutor(1, thread_name_prefix="commands")
        self._look: Future[None] | None = None

    def look(self) -> None:
        """Take what waits for us; returns at once, and does nothing while the last look is under way."""
        if self._look is None or self._look.done():
            self._look = self._desk.submit(self._take_all)

    def close(self) -> None:
        """Look no more."""
        self._desk.shutdown(wait=True, cancel_futures=True)

    def give_back(self) -> None:
        """Leave what was not begun to the next owner. No work may be under way any more."""
        try:
            self._house.inbox.give_back()
        except StoreError as error:  # the next owner finds them
            log.warning("commands not given back", error=str(error))

    def _take_all(self) -> None:
        try:
            for command in self._house.inbox.waiting():
                if self._house.inbox.take(command.number):
                    log.info("command", kind=command.kind, stream=command.stream, who=command.who)
                    self._settled(command, partial(self._arrange, command))
        except StoreError as error:
            log.debug("no look for commands", error=str(error))
        except Exception:  # a thread that dies in silence would leave every command waiting
            log.exception("defect", what="looking for commands")

    def _arrange(self, command: Command) -> None:
        arrange = _KINDS.get(command.kind)
        if arrange is None:
            raise PollerError(f"the daemon knows no command {command.kind!r}", hint=RESTART)
        if command.kind != CommandKind.DISCARD:  # letters stay when the settings drop their stream
            self._stream(command)
        arrange(self, command)

    def _stream(self, command: Command) -> Stream:
        found = next((each for each in self._house.streams if str(each) == command.stream), None)
        if found is None:
            raise PollerError(f"the settings of the daemon know no stream {command.stream}", hint=RELOAD)
        return found

    def _in_turn(self, command: Command, work: Callable[[Command], Mapping[str, Any]]) -> None:
        self._turns.queue(command.stream, lambda: self._begin(command, work))

    def _begin(self, command: Command, work: Callable[[Command], Mapping[str, Any]]) -> None:
        def done() -> None:
            if self._house.inbox.begin(command.number):
                self._house.inbox.done(command.number, work(command))

        self._settled(command, done)

    def _settled(self, command: Command, work: Callable[[], None]) -> None:
        """Do ``work``; whatever it runs into is the command's answer."""
        try:
            work()
        except Exception as error:  # whoever asked must hear of it
            if not isinstance(error, PollerError):
                log.exception("defect", stream=command.stream, command=command.kind)
                error = PollerError(f"a defect in poller: {error!r}")
            told = self._house.runner().clean(str(error))
            try:
                self._house.inbox.failed(command.number, told, error.hint)
            except StoreError as refused:  # whoever asked sees the lease go, or asks again
                log.error("command not answered", stream=command.stream, error=str(refused))

    # --- what can be asked for ---------------------------------------------------------------

    def _arrange_once(self, command: Command) -> None:
        self._turns.queue(command.stream, partial(self._settled, command, partial(self._begin_once, command)))

    def _begin_once(self, command: Command) -> None:
        """Poll, or wait without a thread while the source must be left alone."""
        again = partial(self._arrange_once, command)
        if not self._put_off(self._stream(command), f"once {command.number}", again):
            self._begin(command, self._once)

    def _once(self, command: Command) -> Mapping[str, Any]:
        return written_report(self._poll(self._stream(command)))

    def _arrange_replay(self, command: Command) -> None:
        self._in_turn(command, self._replay)

    def _replay(self, command: Command) -> Mapping[str, Any]:
        def told(seen: int, of: int) -> None:
            self._house.inbox.note(command.number, {"done": seen, "of": of})

        runner, stream = self._house.runner(), self._stream(command)
        began = runner.clock()
        done = Replayer(runner, self._house.letters, told).replay(stream, command.arguments["letters"])
        if stream.schedule.latest(runner.clock()) > began:
            self._soon(command.stream)  # its slot fell due meanwhile, and was turned away
        return done.written()

    def _arrange_discard(self, command: Command) -> None:
        self._begin(command, self._discard)

    def _discard(self, command: Command) -> Mapping[str, Any]:
        now = self._house.runner().clock()
        count = self._house.letters.discard(command.stream, command.arguments["letters"], now)
        return {"stream": command.stream, "discarded": count}

    def _arrange_move(self, command: Command) -> None:
        """At once, so that a run under way is fenced off at its next commit; or behind it, when asked so."""
        if command.arguments["wait"]:
            self._in_turn(command, self._move)
        else:
            self._begin(command, self._move)

    def _move(self, command: Command) -> Mapping[str, Any]:
        epoch = self._house.move(Move.read(command.stream, command.arguments))
        self._soon(command.stream)
        return {"epoch": epoch}


_KINDS: Mapping[str, Callable[[Commands, Command], None]] = {
    CommandKind.ONCE: Commands._arrange_once,  # noqa: SLF001 (the table belongs to the class)
    CommandKind.REPLAY: Commands._arrange_replay,  # noqa: SLF001
    CommandKind.DISCARD: Commands._arrange_discard,  # noqa: SLF001
    CommandKind.MOVE: Commands._arrange_move,  # noqa: SLF001
}
