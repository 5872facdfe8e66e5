"""Which dead letters the words on the command line mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

if TYPE_CHECKING:
    from poller.config import Settings
    from poller.store.database import Database

Numbers = Annotated[
    list[int] | None, Argument(metavar="ID", help="Their numbers, as `dead-letters list` shows them.")
]
OfStream = Annotated[
    str | None, Option("--stream", metavar="STREAM", help="The open ones of this stream, or source.")
]
OfReason = Annotated[str | None, Option("--reason", metavar="WORD", help="The open ones of this reason.")]
Everything = Annotated[bool, Option("--all", help="All open ones.")]
DryRun = Annotated[bool, Option("--dry-run", help="Only count what would happen.")]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters the command line means: numbers, or a description of open ones."""

    numbers: Sequence[int]
    stream: str | None
    reason: str | None
    everything: bool


def selected(database: Database, settings: Settings, wanted: Wanted) -> dict[str, list[int]]:
    """The open letters that are meant, by stream. Raises UsageError for what means none."""
    from poller.cli.failures import UsageError
    from poller.cli.names import chosen
    from poller.cli.opening import stream_names
    from poller.store.views_letters import heads

    described = [wanted.stream is not None, wanted.reason is not None, wanted.everything]
    if bool(wanted.numbers) == any(described):
        raise UsageError(
            "say which: numbers, or --stream, --reason or --all",
            hint="`poller dead-letters list --by-reason` counts what there is",
        )
    names = [] if wanted.stream is None else chosen([wanted.stream], stream_names(settings, database))
    found = heads(database, names, wanted.reason, wanted.numbers)
    absent = sorted(set(wanted.numbers) - {each.id for each in found if each.is_open})
    if absent:
        raise UsageError(
            f"no open dead letter has the number {', '.join(map(str, absent))}",
            hint="`poller dead-letters list --all` shows closed ones too, and how they were closed",
        )
    letters: dict[str, list[int]] = {}
    for each in found:
        letters.setdefault(each.stream, []).append(each.id)
    return letters
