"""Translates sources as they are written, and looks for what does not fit together between streams."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from poller import auth
from poller.config.deletes import Deletes, deletes_of, with_burials
from poller.config.places import KeyPath
from poller.config.plugins import build
from poller.config.problems import Findings
from poller.config.refusals import shown
from poller.config.secrecy import check_secret, names_a_secret, scheme_of, secrets_in
from poller.config.shape import RawErrors, RawLimits, RawRetry, RawSettings, RawSource, RawUsage
from poller.config.streams import stream_of
from poller.config.templates import check_header
from poller.core.duration import format_duration
from poller.core.model import Auth, Limits, Secret, Source, Stream, UsageHeaders
from poller.core.request import PLACEHOLDERS
from poller.core.tokens import TokenAuth

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[_-][A-Za-z0-9]+)*")


def sources_of(raw: RawSettings, findings: Findings) -> tuple[Source, ...]:
    """Every source with its streams; what is wrong goes to ``findings``."""
    sources = tuple(_source(name, given, raw.daemon.spread, findings) for name, given in raw.sources.items())
    _check_names("source", ("sources",), list(raw.sources), findings)
    _check_tables([stream for source in sources for stream in source.streams], findings)
    if not any(source.streams for source in raw.sources.values()):
        findings.warn(("sources",), "there is no stream, so nothing will be polled")
    return sources


def _source(name: str, raw: RawSource, spread: object, findings: Findings) -> Source:
    path: KeyPath = ("sources", name)
    _check_names("stream", (*path, "streams"), list(raw.streams), findings)
    credential = _auth(raw, path, findings)
    headers = tuple(_headers(raw, path, findings))
    _check_retry(raw.retry, (*path, "retry"), findings)
    _check_codes(raw.errors, (*path, "errors"), findings)
    streams = tuple(_streams(name, raw, spread, findings))
    secret = any(isinstance(value, Secret) for _, value in headers)
    if credential is not None or secret or any(stream.secret_headers for stream in streams):
        _check_cleartext(raw.base_url, (*path, "base_url"), findings)
    return Source(
        name=name,
        base_url=raw.base_url,
        streams=streams,
        auth=credential,
        headers=headers,
        concurrency=raw.concurrency,
        rate_limit=tuple(raw.rate_limit),
        request_id_header=raw.request_id_header,
        usage=None if raw.usage_headers is None else _usage(raw.usage_headers),
        limits=_limits(raw.limits),
    )


def _streams(name: str, raw: RawSource, spread: object, findings: Findings) -> Iterator[Stream]:
    rules: dict[str, Deletes] = {}
    built: list[Stream] = []
    for stream, given in raw.streams.items():
        path: KeyPath = ("sources", name, "streams", stream)
        rules[stream] = deletes_of(given.deletes, (*path, "deletes"), findings)
        if given.retry is not None:
            _check_retry(given.retry, (*path, "retry"), findings)
        _check_codes(given.errors, (*path, "errors"), findings)
        grid = f"{name}.{stream}" if spread else None
        read = stream_of(name, stream, raw, given, grid, findings)
        if read is not None:
            built.append(read)
    if len(built) == len(raw.streams):  # else a feed may seem to be missing that is only wrong
        yield from with_burials(built, rules, findings)


def _auth(raw: RawSource, path: KeyPath, findings: Findings) -> Auth | TokenAuth | None:
    """The credential; None sends none."""
    where = (*path, "auth")
    if raw.auth == {"type": "none"}:
        return None
    credential: Auth | TokenAuth | None = build("auth", auth.kinds(), raw.auth, where, findings)
    for inside, secret in secrets_in(credential):
        check_secret(secret, (*where, *inside), findings)
    if isinstance(credential, TokenAuth) and "://" in credential.target:
        _check_cleartext(credential.target, (*where, "token_url"), findings)
    return credential


def _headers(raw: RawSource, path: KeyPath, findings: Findings) -> Iterator[tuple[str, str | Secret]]:
    for name, value in raw.headers.items():
        where = (*path, "headers", name)
        if not check_header(name, value, where, findings):
            continue
        used = next((each for each in sorted(PLACEHOLDERS) if f"{{{each}}}" in value), None)
        if used is not None:
            findings.at_value(
                where,
                f"{{{used}}} has no value in a source's headers",
                "put this header into the stream's headers",
            )
        if scheme_of(value) is not None or names_a_secret(name):
            secret = Secret(value)
            check_secret(secret, where, findings)
            yield name, secret
        else:
            yield name, value


def _check_names(what: str, path: KeyPath, names: list[str], findings: Findings) -> None:
    for index, name in enumerate(names):
        if not _NAME.fullmatch(name):
            findings.at_key(
                (*path, name),
                f"{shown(name)} is no name for a {what}",
                "use letters and digits with single - or _ between them, a letter first"
                " (two underscores separate the levels in environment variables)",
            )
        twin = next((each for each in names[:index] if _folded(each) == _folded(name)), None)
        if twin is not None:
            findings.at_key(
                (*path, name),
                f"the {what}s {twin} and {name} differ only in case or in - and _",
                "rename one",
            )


def _folded(name: str) -> str:
    return name.lower().replace("-", "_")


def _check_tables(streams: list[Stream], findings: Findings) -> None:
    """Two streams in one table would overwrite each other's rows. Some databases ignore case."""
    owners: dict[str, Stream] = {}
    for stream in streams:
        owner = owners.setdefault(stream.table.lower(), stream)
        if owner is not stream:
            findings.at_value(
                ("sources", stream.source, "streams", stream.name, "table"),
                f"table {stream.table} is already the mirror of {owner}",
                "give this stream a table of its own",
            )


def _check_retry(raw: RawRetry, path: KeyPath, findings: Findings) -> None:
    if raw.maximum < raw.initial:
        where = "maximum" if "maximum" in raw.model_fields_set else "initial"
        findings.at_value(
            (*path, where),
            f"the longest wait, {format_duration(raw.maximum)}, is shorter than the first,"
            f" {format_duration(raw.initial)}",
            "make maximum at least as long as initial",
        )


def _check_codes(raw: RawErrors | None, path: KeyPath, findings: Findings) -> None:
    if raw is None:
        return
    known: list[object] = []
    for name in ("ok", "retry", "fail"):
        for index, code in enumerate(getattr(raw, name)):
            if code in known:
                findings.at_value(
                    (*path, name, index), f"{shown(code)} stands in two lists", "leave it in one of them"
                )
            known.append(code)


def _check_cleartext(base_url: str, path: KeyPath, findings: Findings) -> None:
    parts = urlsplit(base_url)
    if parts.scheme == "http" and not _is_here(parts.hostname or ""):
        findings.warn(path, "credentials go over the network unencrypted: use https if the API has it")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _usage(raw: RawUsage) -> UsageHeaders:
    return UsageHeaders(raw.used, raw.limit)


def _limits(raw: RawLimits) -> Limits:
    return Limits(raw.request, raw.wire, raw.decoded, raw.ratio, raw.depth)
