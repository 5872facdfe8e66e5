"""Reads how a stream learns of deletions: a flag in its records, or another stream that names them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from poller.config import forms, later
from poller.config.complaints import report
from poller.config.places import KeyPath
from poller.config.problems import Findings, did_you_mean
from poller.config.refusals import shown
from poller.core.model import MOST_ABSENT, Burial, Stream
from poller.core.path import Path

MODES = ("none", "flag", "feed", "sweep")


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class RawFlag(_Options):
    """``mode = "flag"``: deleted records stay visible and say so."""

    flag: forms.JsonPath = Field(description="an expression that is true of a deleted record")


class RawFeed(_Options):
    """``mode = "feed"``: an endpoint of its own tells of deletions; it is a stream like any other."""

    stream: forms.Text = Field(description="the stream of the same source whose records name deleted ones")
    key: forms.KeyPaths = Field(description="where its records name the deleted entity")


class RawBrake(_Options):
    """What holds for every mode."""

    max_ratio: forms.Ratio = Field(
        MOST_ABSENT,
        description="the largest part of the mirror that one full listing may mark deleted by lacking it",
    )


@dataclass(frozen=True, slots=True)
class Deletes:
    """How deletions show. All None: nothing tells of them."""

    flag: Path | None = None
    feed: str | None = None
    key: tuple[Path, ...] = ()
    max_ratio: float = MOST_ABSENT


def deletes_of(given: dict[str, Any], path: KeyPath, findings: Findings) -> Deletes:
    """The rule of the deletes table at ``path``."""
    options = {name: value for name, value in given.items() if name != "max_ratio"}
    rule = _mode(options, path, findings)
    if "max_ratio" not in given:
        return rule
    brake = _read(RawBrake, {"max_ratio": given["max_ratio"]}, path, findings)
    return rule if brake is None else replace(rule, max_ratio=brake.max_ratio)


def _mode(given: dict[str, Any], path: KeyPath, findings: Findings) -> Deletes:
    mode = given.get("mode", "none")
    options = {name: value for name, value in given.items() if name != "mode"}
    hint = later.hint_for_choice("deletes", mode)
    if hint is not None:
        findings.at_value((*path, "mode"), f'deletes mode "{mode}" {later.NOT_YET}', hint)
    elif mode == "flag":
        flag = _read(RawFlag, options, path, findings)
        return Deletes() if flag is None else Deletes(flag=flag.flag)
    elif mode == "feed":
        feed = _read(RawFeed, options, path, findings)
        return Deletes() if feed is None else Deletes(feed=feed.stream, key=tuple(feed.key))
    elif mode != "none":
        findings.at_value(
            (*path, "mode"), f"there is no deletes mode {shown(mode)}", did_you_mean(str(mode), MODES)
        )
    else:
        for key in sorted(options):
            findings.at_key((*path, key), 'has no meaning with mode "none"', "remove it, or add the mode")
    return Deletes()


def _read(kind: Any, options: dict[str, Any], path: KeyPath, findings: Findings) -> Any:  # noqa: ANN401 (a section)
    try:
        return kind.model_validate(options)
    except ValidationError as error:
        report(error, kind, path, findings)
        return None


def with_burials(
    streams: Sequence[Stream], rules: dict[str, Deletes], findings: Findings
) -> Iterator[Stream]:
    """The streams of one source, each knowing whose entities its records name as deleted.

    ``rules`` has the deletes rule of each stream by its name inside the source.
    """
    burials: dict[str, list[Burial]] = {}
    for stream in streams:
        rule = rules[stream.name]
        if rule.feed is not None and _is_sound(stream, rule, streams, findings):
            burials.setdefault(rule.feed, []).append(Burial(str(stream), rule.key, stream.changes))
    for stream in streams:
        feed = rules[stream.name].feed
        yield replace(
            stream,
            deleted=rules[stream.name].flag,
            most_absent=rules[stream.name].max_ratio,
            buried_by=None if feed is None else f"{stream.source}.{feed}",
            burials=tuple(burials.get(stream.name, ())),
        )


def _is_sound(stream: Stream, rule: Deletes, streams: Sequence[Stream], findings: Findings) -> bool:
    path: KeyPath = ("sources", stream.source, "streams", stream.name, "deletes")
    names = [each.name for each in streams]
    if rule.feed not in names:
        findings.at_value(
            (*path, "stream"),
            f"{stream.source} has no stream {shown(rule.feed)}",
            did_you_mean(str(rule.feed), names),
        )
        return False
    if rule.feed == stream.name:
        findings.at_value(
            (*path, "stream"),
            "a stream cannot be its own feed of deletions",
            'name the other stream, or use mode = "flag"',
        )
        return False
    if len(rule.key) != len(stream.key):
        findings.at_value(
            (*path, "key"),
            f"names {len(rule.key)} parts, and the key of {stream.name} has {len(stream.key)}",
            "name one for each part of the key, in its order",
        )
        return False
    return True
