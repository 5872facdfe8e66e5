"""What gives a watermark its meaning, as text: when it changes, the watermark may not be used as before.

"Everything up to W is in the mirror" is true of one endpoint, asked in one way, read by one
rule, into one table. How often and how patiently it is asked does not matter; neither do
page size, lookback and settle, which only widen what is read. The text is JSON, so that a
change can be named. It never holds a secret.
"""

from __future__ import annotations

import dataclasses
import json
from hashlib import blake2b
from typing import Any

from poller.core.model import Kind, Secret, SinceRule, Source, Stream
from poller.core.path import Header, Path
from poller.core.position import canonical

_NEUTRAL = frozenset({"size", "total"})
"""Options of a pager that change how much comes at once, or what is only a hint."""
_TELLING = frozenset({"PageNumber"})
"""Pagers for which the count of rows is no hint: it ends the listing."""


def fingerprint(source: Source, stream: Stream) -> str:
    """The same text as long as the watermark of ``stream`` means the same."""
    return json.dumps(_meaning(source, stream), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def describe_change(old: str, new: str) -> str:
    """What differs between two fingerprints, for people: ``path: "/a" → "/b"; order: "asc" → nothing``.

    A fingerprint that cannot be read (of another version) is called so.
    """
    try:
        before, after = json.loads(old), json.loads(new)
    except ValueError:
        before = after = None
    if not isinstance(before, dict) or not isinstance(after, dict):
        return "the settings were recorded by another version and cannot be compared"
    changed = [name for name in sorted(before.keys() | after.keys()) if _differs(before, after, name)]
    return "; ".join(f"{name}: {_shown(before, name)} → {_shown(after, name)}" for name in changed)


def _meaning(source: Source, stream: Stream) -> dict[str, Any]:
    """Setting → value, as JSON; what is absent is left out, so that new settings change nothing."""
    template = stream.template
    meaning: dict[str, Any] = {
        "base_url": source.base_url,
        "method": template.method,
        "path": template.path,
        "body": template.body,
        "records": stream.records.text,
        "key": [path.text for path in stream.key],
        "updated_at": None if stream.updated_at is None else stream.updated_at.text,
        "order": stream.order.value,
        "table": stream.table,
        "deletes.flag": None if stream.deleted is None else stream.deleted.text,
        "deletes.stream": stream.buried_by,
        "page.type": type(stream.pager).__name__,
        **{f"params.{name}": value for name, value in template.params},
        **{
            f"headers.{name.lower()}": _digest(value)
            for name, value in source.headers
            if isinstance(value, str)
        },
        **{f"headers.{name.lower()}": _digest(value) for name, value in template.headers},
        **_options(stream.pager),
        **({} if stream.since is None else _since(stream.since)),
    }
    return {name: value for name, value in meaning.items() if value is not None}


def _options(pager: object) -> dict[str, Any]:
    assert dataclasses.is_dataclass(pager), f"{type(pager).__name__} is no dataclass of options"
    options = {option.name: getattr(pager, option.name) for option in dataclasses.fields(pager)}
    return {
        f"page.{name}": _written(value)
        for name, value in options.items()
        if name not in _neutral(pager) and not isinstance(value, Secret) and value is not False
    }


def _neutral(pager: object) -> frozenset[str]:
    return _NEUTRAL - {"total"} if type(pager).__name__ in _TELLING else _NEUTRAL


def _since(rule: SinceRule) -> dict[str, Any]:
    granularity = rule.granularity
    return {
        "since.kind": None if rule.kind is Kind.TIMESTAMP else rule.kind.value,
        "since.token": None if rule.token is None else _written(rule.token),
        "since.format": rule.how.format,
        "since.timezone": rule.how.zone,
        "since.bound": rule.bound.value,
        "since.granularity": None if granularity is None else granularity.total_seconds(),
        "since.start": None if rule.start is None else canonical(rule.start),
    }


def _written(value: object) -> object:
    """A pager's option as the settings write it."""
    if isinstance(value, Path):
        return value.text
    if isinstance(value, Header):
        return f"header:{value.name.lower()}"
    return value if isinstance(value, str | int | float | None) else str(value)


def _digest(value: str) -> str:
    """A header may carry what should not be written down; a hash tells a change as well."""
    return blake2b(value.encode(), digest_size=8).hexdigest()


def _differs(before: dict[str, Any], after: dict[str, Any], name: str) -> bool:
    return name not in before or name not in after or _canonical(before[name]) != _canonical(after[name])


def _shown(meaning: dict[str, Any], name: str) -> str:
    return _canonical(meaning[name]) if name in meaning else "nothing"


def _canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
