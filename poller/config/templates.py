"""Reads a stream's request: what may stand in it, which placeholders, and whether anything fills them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from poller.config.places import KeyPath
from poller.config.problems import Findings, did_you_mean
from poller.config.refusals import shown
from poller.config.secrecy import check_secret, names_a_secret, scheme_of
from poller.config.shape import RawSince, RawStream
from poller.core.model import Secret
from poller.core.paging import Pager
from poller.core.request import PLACEHOLDERS, Json, Template

_BRACED = re.compile(r"\{\{|\}\}|\{([A-Za-z_][\w.]*)\}")
_PARTS = ("path", "params", "headers", "body")
_PARENT = "streams with a parent are not supported yet in this version"
_QUOTED = "quote it: TOML dates are not sent as they are written"


def template_of(raw: RawStream, path: KeyPath, findings: Findings) -> Template:
    """The request template of the stream at ``path``."""
    _check_path(raw.path, (*path, "path"), findings)
    for name, value in raw.params.items():
        _check_param(name, value, (*path, "params", name), findings)
    headers = tuple(_headers(raw.headers, (*path, "headers"), findings))
    _check_json(raw.body, (*path, "body"), findings)
    if raw.body is not None and raw.method == "GET":
        findings.at_key((*path, "body"), "a GET carries no body", 'set method = "POST", or use params')
    for where, text in _request_texts(raw, path):
        for problem, hint in _brace_problems(text):
            findings.at_value(where, problem, hint)
    return Template(
        method=raw.method, path=raw.path, params=tuple(raw.params.items()), headers=headers, body=raw.body
    )


def check_placeholders(
    raw: RawStream, template: Template, pager: Pager, path: KeyPath, findings: Findings
) -> None:
    """Each placeholder must be filled by something, and what the pager moves must stand somewhere.

    Says nothing about a request whose placeholders are misspelt: that was said already.
    """
    if any(True for _, text in _request_texts(raw, path) for _ in _brace_problems(text)):
        return
    present = template.placeholders() & PLACEHOLDERS
    kind = raw.page.get("type")
    if pager.needs and not pager.needs & present:
        wanted = " or ".join(f"{{{name}}}" for name in sorted(pager.needs))
        findings.at_key(
            (*path, "page"),
            f'page type "{kind}" needs {wanted} in the request: without it every page is the first page',
            f"put {wanted} into params, body or headers, where the API expects it",
        )
    if "size" in raw.page and "size" not in present:
        findings.at_value(
            (*path, "page", "size"),
            "the page size is never sent: there is no {size} in the request",
            'put "{size}" where the API expects the page size, or remove size',
        )
    filled = pager.needs | {"since", "until", "size"}
    for where, name in _placeholders(raw, path):
        if name in PLACEHOLDERS and name not in filled:
            findings.at_value(
                where, f'nothing fills {{{name}}} with page type "{kind}"', f"remove {{{name}}}"
            )
    _check_since(raw, present, path, findings)
    _check_path_placeholders(raw, path, findings)


def _check_since(raw: RawStream, present: frozenset[str], path: KeyPath, findings: Findings) -> None:
    if raw.since is not None and "since" not in present and raw.since.kind != "token":
        findings.at_key(
            (*path, "since"),
            "there is no {since} anywhere in the request, so the API would be asked for everything each time",
            "put {since} where the API takes its filter, or remove since to read everything on purpose",
        )
    if raw.since is not None and raw.since.until is not None and "until" not in present:
        findings.at_value(
            (*path, "since", "until"),
            "there is no {until} in the request",
            "put {until} into it, or remove until",
        )
    if raw.since is not None:
        return
    for where, name in _placeholders(raw, path):
        if name in {"since", "until"}:
            findings.at_value(
                where,
                f"{{{name}}} is used and the stream has no since",
                'add since = { format = "rfc3339" }, or remove the placeholder',
            )


def _check_path_placeholders(raw: RawStream, path: KeyPath, findings: Findings) -> None:
    """A path must be whole from the first request on; a parameter may be left out."""
    since = raw.since
    hints = {
        "since": _hint_for_since(since),
        "until": None if since is None or since.until is not None else 'give since.until, such as "now"',
        **dict.fromkeys(("cursor", "key"), "put it into params"),
    }
    for name in _names(raw.path):
        if hints.get(name) is not None:
            findings.at_value(
                (*path, "path"),
                f"{{{name}}} has no value in the first request, and the path needs one",
                hints[name],
            )


def _hint_for_since(since: RawSince | None) -> str | None:
    if since is None or since.start is not None:
        return None
    return "put it into params, headers or body" if since.kind == "token" else "give since.start"


def _check_path(text: str, path: KeyPath, findings: Findings) -> None:
    if "://" in text:
        findings.at_value(path, "is a full URL", "write the path below base_url, beginning with /")
    elif not text.startswith("/"):
        findings.at_value(path, f"{shown(text)} does not begin with /", f'write "/{text}"')
    if "?" in text or "#" in text:
        findings.at_value(path, "has a query or fragment", "put query parameters into params")


def _check_param(name: str, value: Any, path: KeyPath, findings: Findings) -> None:  # noqa: ANN401
    if isinstance(value, Mapping):
        findings.at_value(
            path,
            "a query parameter must be text, a number, true, false or a list of these, not a table",
            f'quote a name that has dots or brackets: "{name}.{next(iter(value), "gte")}" = …',
        )
    elif isinstance(value, list) and any(isinstance(each, list | Mapping) for each in value):
        findings.at_value(
            path, "a list of query parameters must be flat", "write text, numbers, true or false"
        )
    else:
        _check_json(value, path, findings)
    if isinstance(value, str) and scheme_of(value) is not None:
        findings.at_value(
            path,
            "a secret in the query would end in logs",
            "secret references may stand in auth and in headers only",
        )
    elif isinstance(value, str) and names_a_secret(name) and not _names(value):
        findings.warn(
            path, "looks like a secret in the query, where it ends in logs: use auth if the API allows it"
        )


def _check_json(value: Any, path: KeyPath, findings: Findings) -> None:  # noqa: ANN401 (TOML)
    for where, each in _leaves(value, path):
        if isinstance(each, float) and not math.isfinite(each):
            findings.at_value(where, f"{each} does not exist in JSON", "write a finite number")
        elif each is not None and not isinstance(each, str | int | float):
            findings.at_value(where, f"a TOML {type(each).__name__} cannot be sent", _QUOTED)


def _headers(given: Mapping[str, Any], path: KeyPath, findings: Findings) -> Iterator[tuple[str, str]]:
    """The headers that are written as they are sent; those with secrets are not of the template."""
    for name, value in given.items():
        if check_header(name, value, (*path, name), findings) and not _is_secret(name, value):
            yield name, value


def secret_headers_of(raw: RawStream, path: KeyPath, findings: Findings) -> Iterator[tuple[str, Secret]]:
    """The headers of the stream at ``path`` that carry a secret; headers are checked in the template."""
    for name, value in raw.headers.items():
        where = (*path, "headers", name)
        if not isinstance(value, str) or not _is_secret(name, value):
            continue
        if _names(value):
            findings.at_value(
                where,
                "a placeholder cannot stand in a reference to a secret",
                "give the secret a header of its own, or use auth",
            )
            continue
        check_secret(Secret(value), where, findings)
        yield name, Secret(value)


def _is_secret(name: str, value: str) -> bool:
    """Whether a header refers to a secret or, by its name, seems to be one that is written out."""
    return scheme_of(value) is not None or (names_a_secret(name) and not _names(value))


def check_header(name: str, value: Any, path: KeyPath, findings: Findings) -> bool:  # noqa: ANN401 (TOML)
    """Whether a header field can be sent (RFC 9110 §5.5)."""
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        findings.at_key(path, f"{shown(name)} is no header name", "use letters, digits and hyphens")
        return False
    if not isinstance(value, str):
        findings.at_value(path, "a header must be text", "write it in quotes")
        return False
    if not value.isascii() or not value.isprintable() or value != value.strip():
        findings.at_value(path, "cannot stand in a header", "use printable ASCII without spaces around it")
        return False
    return True


def _brace_problems(text: str) -> Iterator[tuple[str, str]]:
    """What is wrong with the placeholders of one text, and the fix."""
    for name in _names(text):
        if name.startswith("parent."):
            yield f"{{{name}}}: {_PARENT}", "remove the stream, or the placeholder"
        elif name not in PLACEHOLDERS:
            close = did_you_mean(name, PLACEHOLDERS)
            yield (
                f"there is no placeholder {{{name}}}",
                f"{close} (literal braces are doubled: {{{{{name}}}}})",
            )
    doubled = [match[0] for match in _BRACED.finditer(text)]
    if doubled.count("{{") != doubled.count("}}"):
        yield "{{ and }} are sent as { and }, and they do not pair up here", "double each literal brace"
    rest = _BRACED.sub("", text)
    for name in sorted(PLACEHOLDERS):
        if re.search(rf"\{{\s*{name}\b|\b{name}\s*\}}", rest):
            yield f"{shown(text)} has a brace without its partner", f"write {{{name}}}"


def _names(text: str) -> list[str]:
    return [name for name in _BRACED.findall(text) if name != ""]


def _placeholders(raw: RawStream, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """Each use of a placeholder with its place."""
    for where, text in _request_texts(raw, path):
        yield from ((where, name) for name in _names(text))


def _request_texts(raw: RawStream, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    for part in _PARTS:
        for where, each in _leaves(getattr(raw, part), (*path, part)):
            if isinstance(each, str):
                yield where, each


def _leaves(value: Json | Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:  # noqa: ANN401 (TOML)
    """The values inside tables and lists, each with its place."""
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield from _leaves(member, (*path, name))
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from _leaves(element, (*path, index))
    else:
        yield path, value
