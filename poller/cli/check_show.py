"""How the result of a check is shown, and which exit code it asks for."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from poller.cli.judgement import Finding, Level
from poller.cli.options import Options

if TYPE_CHECKING:
    from poller.core.errors import Category
    from poller.core.guarantee import Guarantee

MARKS = {Level.OK: "ok", Level.UNSURE: "?", Level.CAUTION: "!", Level.FAILED: "FAILED"}
_STYLES = {"ok": "32", "?": "36", "!": "33", "FAILED": "1;31", "REFUSED": "1;31"}


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that was looked at. ``guarantee`` only for a stream; ``category`` None: no request failed."""

    kind: Literal["settings", "database", "source", "stream"]
    name: str
    findings: tuple[Finding, ...]
    guarantee: Guarantee | None = None
    category: Category | None = None
    requests: int = 0

    @property
    def has_failed(self) -> bool:
        return any(each.level is Level.FAILED for each in self.findings)

    @property
    def is_refused(self) -> bool:
        return self.guarantee is not None and bool(self.guarantee.refused)


def as_row(subject: Subject) -> dict[str, Any]:
    """One line of ``poller check --json``."""
    promised = subject.guarantee
    return {
        "kind": subject.kind,
        "name": subject.name,
        "ok": not subject.has_failed and not subject.is_refused,
        "category": None if subject.category is None else subject.category.value,
        "requests": subject.requests,
        "findings": [
            {"level": each.level.value, "text": each.text, "hint": each.hint} for each in subject.findings
        ],
        "guarantee": [] if promised is None else list(promised.sentences),
        "hazards": []
        if promised is None
        else [
            {"name": each.name, "severity": each.severity.value, "what": each.what, "remedy": each.remedy}
            for each in promised.hazards
        ],
        "accepted": [] if promised is None else list(promised.accepted),
    }


def show(subject: Subject, options: Options) -> None:
    """Everything about one subject, as lines that fit the terminal."""
    from poller.cli.logs import REDACTOR

    print(f"{subject.kind} {subject.name}")
    for mark, text in _lines(subject):
        print(_set(mark, REDACTOR.clean(text), options))
    print()


def summary(subjects: Sequence[Subject]) -> str:
    """One line about all of it."""
    from poller.cli.words import counted

    failed = [each.name for each in subjects if each.has_failed]
    refused = [each.name for each in subjects if each.is_refused]
    cautions = sum(_cautions(each) for each in subjects)
    if not failed and not refused:
        return "all is well" if cautions == 0 else f"all is well; {counted(cautions, 'caution')}"
    parts = [f"failed: {', '.join(failed)}"] if failed else []
    parts += [f"refused: {', '.join(refused)}"] if refused else []
    return "; ".join(parts)


def code(subjects: Sequence[Subject]) -> int:
    """2 when settings are refused, 4 when a credential is, 1 when anything else failed."""
    from poller.cli.failures import AUTHENTICATION, FAILED, REFUSED_US, USAGE

    if any(each.is_refused for each in subjects):
        return USAGE
    if any(each.category in REFUSED_US or (each.kind == "source" and each.has_failed) for each in subjects):
        return AUTHENTICATION
    return FAILED if any(each.has_failed for each in subjects) else 0


def _lines(subject: Subject) -> Iterator[tuple[str, str]]:
    """Mark and text; an empty mark goes on with the line before."""
    for finding in subject.findings:
        yield MARKS[finding.level], finding.text
        if finding.hint is not None and finding.level is not Level.OK:
            yield "", f"hint: {finding.hint}"
    promised = subject.guarantee
    if promised is None:
        return
    yield from (("-", sentence) for sentence in promised.sentences)
    for hazard in promised.hazards:
        yield ("REFUSED" if hazard in promised.refused else "!"), f"{hazard.name}: {hazard.what}"
        yield "", f'hint: {hazard.remedy}; or accept it: accept = ["{hazard.name}"]'
    for name in promised.accepted:
        yield "-", f"{name}: accepted in the settings"
    for name in promised.unused:
        yield "!", f'accept names "{name}", which is no hazard of these settings'


def _set(mark: str, text: str, options: Options) -> str:
    import os
    import sys

    from poller.cli.screen import width

    colour = sys.stdout.isatty() and not options.no_color and "NO_COLOR" not in os.environ
    shown = f"\x1b[{_STYLES[mark]}m{mark:<7}\x1b[0m" if colour and mark in _STYLES else f"{mark:<7}"
    blank = " " * 10
    room = width() if sys.stdout.isatty() else 100
    wrapped = textwrap.fill(text, room, initial_indent=blank, subsequent_indent=blank, break_on_hyphens=False)
    return f"  {shown} {wrapped[10:]}"


def _cautions(subject: Subject) -> int:
    found = sum(each.level is Level.CAUTION for each in subject.findings)
    return found + (0 if subject.guarantee is None else len(subject.guarantee.hazards))
