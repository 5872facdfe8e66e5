"""Translates one stream as it is written into the noun that the rest of the house knows."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal, cast

from poller import pagers, schedules
from poller.config.columns import columns_of
from poller.config.forms import IDENTIFIER, LONGEST_NAME
from poller.config.places import KeyPath
from poller.config.plugins import build
from poller.config.problems import Findings
from poller.config.refusals import advised, shown
from poller.config.shape import RawErrors, RawRetry, RawSource, RawStream
from poller.config.since import since_of
from poller.config.templates import check_placeholders, secret_headers_of, template_of
from poller.core.model import BodyCodes, Kind, Order, Retry, SinceRule, Stream
from poller.core.paging import Pager, Steering
from poller.core.path import Path
from poller.core.schedule import Schedule


def stream_of(
    source: str, name: str, given: RawSource, raw: RawStream, spread: str | None, findings: Findings
) -> Stream | None:
    """The stream ``source.name``; None when something that it cannot do without was found wrong.

    ``spread`` names the stream for its place in the grid; None leaves intervals on the epoch. What
    it knows of deletions is added by :func:`poller.config.deletes.with_burials`.
    """
    path: KeyPath = ("sources", source, "streams", name)
    template = template_of(raw, path, findings)
    since = None if raw.since is None else since_of(raw.since, (*path, "since"), findings)
    pager: Pager | None = build("page", pagers.kinds(), raw.page, (*path, "page"), findings)
    schedule = _schedule(raw, spread, path, findings)
    _check_order(raw, since, path, findings)
    if pager is None or schedule is None:
        return None
    check_placeholders(raw, template, pager, path, findings)
    _check_steering(raw, pager, path, findings)
    stream = Stream(
        source=source,
        name=name,
        table=_table(source, name, raw, path, findings),
        template=template,
        pager=pager,
        schedule=schedule,
        records=raw.records,
        key=_key(raw, path, findings),
        updated_at=raw.updated_at,
        order=Order(raw.order),
        ties=cast('Literal["stable", "unstable"]', raw.ties),
        since=since,
        grace=raw.grace,
        budget=raw.budget,
        changes=cast('Literal["full", "keys", "off"]', raw.changes),
        columns=columns_of(raw.columns, (*path, "columns"), findings),
        secret_headers=tuple(secret_headers_of(raw, path, findings)),
        conditional=raw.conditional,
        accept=_accepted(raw, path, findings),
    )
    return _patient(stream, given, raw)


def _patient(stream: Stream, given: RawSource, raw: RawStream) -> Stream:
    """With what holds for the whole source, unless the stream says otherwise."""
    errors = raw.errors if raw.errors is not None else given.errors
    return replace(
        stream,
        errors=None if errors is None else body_codes(errors),
        retry=retry_of(raw.retry if raw.retry is not None else given.retry),
        timeout=raw.timeout if raw.timeout is not None else given.timeout,
        depth=given.limits.depth,
    )


def _schedule(raw: RawStream, spread: str | None, path: KeyPath, findings: Findings) -> Schedule | None:
    try:
        return schedules.parse(raw.schedule, raw.timezone, spread)
    except ValueError as error:
        refusal = advised(error, 'write a duration such as "5m" or a cron expression such as "30 2 * * *"')
    about_zone = raw.timezone is not None and raw.timezone in refusal.message
    findings.at_value((*path, "timezone" if about_zone else "schedule"), refusal.message, refusal.hint)
    return None


def _check_order(raw: RawStream, since: SinceRule | None, path: KeyPath, findings: Findings) -> None:
    opaque = since is not None and since.kind is Kind.TOKEN
    if opaque and raw.order in ("asc", "desc"):
        findings.at_value(
            (*path, "order"),
            f'order "{raw.order}" is by position, and a token says nothing of order',
            "leave order out: the API's own token says where to go on",
        )
    if raw.updated_at is not None:
        return
    if raw.order in ("asc", "desc"):
        findings.at_value(
            (*path, "order"),
            f'order "{raw.order}" is by position, and no updated_at says where a record\'s position is',
            'add updated_at, or write order = "key" or "none"',
        )
    if since is not None and not opaque:
        findings.at_key(
            (*path, "since"),
            "updated_at is missing: without it nothing says how far the mirror has come",
            'add updated_at = "…", the field that the API filters by',
        )


def _check_steering(raw: RawStream, pager: Pager, path: KeyPath, findings: Findings) -> None:
    kind = raw.page["type"]
    opaque = raw.since is not None and raw.since.kind == "token"
    if pager.steering is Steering.POSITION and raw.order != "asc" and not opaque:
        where = (*path, "order") if "order" in raw.model_fields_set else (*path, "page")
        findings.at_value(
            where,
            f'page type "{kind}" goes on from the last position, so records must come in ascending order',
            'ask the API to sort by position and write order = "asc"',
        )
    if pager.steering is Steering.POSITION and raw.since is not None and raw.since.format == "raw":
        findings.at_value(
            (*path, "since", "format"),
            f'page type "{kind}" asks behind the last position, which a raw since cannot express',
            'write the format that the API uses, "rfc3339", "unix", "unix_ms" or a strftime pattern',
        )
    if getattr(pager, "from_key", False) and len(raw.key) > 1:
        findings.at_value(
            (*path, "page", "from_key"),
            f"a cursor from the key needs a key of one part, and this one has {len(raw.key)}",
            'name where the answer gives the next cursor: next = "…"',
        )


def _table(source: str, name: str, raw: RawStream, path: KeyPath, findings: Findings) -> str:
    table = raw.table if raw.table is not None else f"{source}_{name}".replace("-", "_")
    where = (*path, "table")
    if not IDENTIFIER.fullmatch(table):
        findings.at_value(
            where, f"{shown(table)} is no table name", "use letters, digits and _, a letter first"
        )
    elif len(table) > LONGEST_NAME:
        findings.at_value(
            where,
            f"{table} has {len(table)} characters",
            f"give the table a name of at most {LONGEST_NAME}: table =",
        )
    elif table.lower().startswith(("poller_", "sqlite_", "pg_")):
        prefix = table.lower().split("_")[0]
        findings.at_value(
            where, f"names that begin with {prefix}_ are taken", 'add another name: table = "…"'
        )
    return table


def _key(raw: RawStream, path: KeyPath, findings: Findings) -> tuple[Path, ...]:
    where = (*path, "key")
    texts = [each.text for each in raw.key]
    if not texts:
        findings.at_value(
            where, "names no field", 'write key = "id", or a list of fields that identify a record'
        )
    for index, each in enumerate(texts):
        if each in texts[:index]:
            findings.at_value((*where, index), f"{shown(each)} stands in the key twice", "remove one")
    return tuple(raw.key)


def _accepted(raw: RawStream, path: KeyPath, findings: Findings) -> frozenset[str]:
    for index, rule in enumerate(raw.accept):
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", rule):
            findings.at_value(
                (*path, "accept", index),
                f"{shown(rule)} is no rule name",
                "copy the name that `poller check` prints",
            )
    return frozenset(raw.accept)


def body_codes(raw: RawErrors) -> BodyCodes:
    """The error codes of a 200 body."""
    return BodyCodes(raw.status, tuple(raw.ok), tuple(raw.retry), tuple(raw.fail), raw.message)


def retry_of(raw: RawRetry) -> Retry:
    """How a request is repeated."""
    return Retry(
        attempts=raw.attempts,
        initial=raw.initial,
        multiplier=raw.multiplier,
        maximum=raw.maximum,
        jitter=cast('Literal["full", "none"]', raw.jitter),
        statuses=frozenset(raw.statuses),
    )
