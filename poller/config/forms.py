"""The forms in which a single value may be written: durations, sizes, rates, paths, URLs and the like.

Each is an annotated type for pydantic, with a :class:`Form` that the reference page and the
hints for missing keys are made from. A wrong value raises an error with a hint.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, PlainValidator

from poller.config.problems import did_you_mean
from poller.config.quantities import duration, kept_for, rate, size, some_duration
from poller.config.refusals import Refusal, kind_of, shown
from poller.core.model import Secret, Window
from poller.core.path import Lookup, Path, lookup

IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
"""Names of tables and columns that no database has to quote."""
LONGEST_NAME = 63
"""Characters; PostgreSQL cuts longer names (NAMEDATALEN)."""

_LARGEST_FACTOR = 1000
_LAST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Form:
    """How a kind of value is written: its ``name`` for people, one ``example`` as TOML."""

    name: str
    example: str


def text(value: object) -> str:
    """Text that is not empty."""
    if not isinstance(value, str):
        raise Refusal(f"must be text, not {kind_of(value)}", 'write it in quotes: "…"')
    if value == "":
        raise Refusal("must not be empty", "write a text in quotes, or leave the key out")
    return value


def any_text(value: object) -> str:
    """Text, which may be empty or end with blanks."""
    return value if value == "" and isinstance(value, str) else text(value)


def whole(least: int, most: int | None = None) -> Callable[[object], int]:
    """Reads whole numbers in a range. Text is read too, since environment variables are text."""
    allowed = f"at least {least}" if most is None else f"from {least} to {most}"

    def read(value: object) -> int:
        if isinstance(value, str) and re.fullmatch(r"[+-]?\d{1,18}", value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise Refusal(
                f"must be a whole number, not {kind_of(value)}", f"write a number {allowed}, without quotes"
            )
        if value < least or (most is not None and value > most):
            raise Refusal(f"{value} is out of range", f"write a number {allowed}")
        return value

    return read


def number(value: object) -> float:
    """A number from 1 to 1000."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value):
        value = float(value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Refusal(
            f"must be a number, not {kind_of(value)}", "write a number such as 2 or 1.5, without quotes"
        )
    if not 1 <= value <= _LARGEST_FACTOR:
        raise Refusal(f"{value} is out of range", "write a number from 1 to 1000")
    return float(value)


def back(value: object) -> timedelta | int:
    """A duration, or how many numbers."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,18}", value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return whole(0)(value)
    return duration(value)


def ratio(value: object) -> float:
    """A part of a whole: above 0, up to 1."""
    if isinstance(value, str) and re.fullmatch(r"[01](\.\d{1,9})?", value):
        value = float(value)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 1:
        raise Refusal(
            f"{shown(value)} is no part of a whole", "write a number above 0 and up to 1, such as 0.2"
        )
    return float(value)


def truth(value: object) -> bool:
    """``true`` or ``false``."""
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        value = value.lower() == "true"
    if not isinstance(value, bool):
        raise Refusal(f"must be true or false, not {kind_of(value)}", "write true or false, without quotes")
    return value


def choice(*allowed: str) -> Callable[[object], str]:
    """Reads one of a few words."""

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in allowed:
            words = ", ".join(f'"{each}"' for each in allowed)
            close = did_you_mean(value, allowed) if isinstance(value, str) else ""
            more = f"{close} " if close.startswith("did") else ""
            raise Refusal(f"{shown(value)} is none of {words}", f"{more}write one of {words}")
        return value

    return read


def path(value: object) -> Path:
    """A JMESPath expression."""
    expression = text(value)
    try:
        return Path(expression)
    except ValueError as error:
        raise Refusal(str(error), _PATHS) from None


_PATHS = (
    "write a JMESPath such as items, meta.next or status=='trash'; names with other characters than"
    " letters, digits and _ stand in double quotes: '\"@odata.nextLink\"' (https://jmespath.org)"
)


def where(value: object) -> Lookup:
    """A JMESPath expression, or ``header:NAME``."""
    try:
        return lookup(text(value))
    except ValueError as error:
        raise Refusal(str(error), f"{_PATHS}; or header:NAME for a response header") from None


def secret(value: object) -> Secret:
    """A reference to a secret or the secret itself; messages never show it."""
    if not isinstance(value, str) or value == "":
        raise Refusal(f"a secret must be text, not {kind_of(value)}", "refer to it: env:NAME or file:/path")
    return Secret(value)


def base_url(value: object) -> str:
    """Scheme, host and perhaps a path, without a slash at the end."""
    hint = "write it as https://api.example or https://api.example/v1"
    url = text(value)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise Refusal("is not a URL that can be read", hint) from None
    if parts.scheme not in {"http", "https"} or not host or any(char.isspace() for char in url):
        raise Refusal("is not a full http or https URL", hint)
    if "@" in parts.netloc:
        raise Refusal("carries a user name or password, which would end in logs", "use auth instead")
    if set(url) & set("<>{}"):
        raise Refusal("still has a part to be filled in", hint)
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        raise Refusal("has a query or fragment", "put parameters into the stream's params")
    return url.rstrip("/")


def listen(value: object) -> str:
    """``host:port``."""
    match = re.fullmatch(
        r"(\[[0-9A-Fa-f:.%]+\]|[^\s:\[\]]+):(\d{1,5})", value if isinstance(value, str) else ""
    )
    if match is None or int(match[2]) > _LAST_PORT:
        raise Refusal(f"{shown(value)} is not host:port", "write it as 127.0.0.1:8787 or [::1]:8787")
    return match[0]


def header_name(value: object) -> str:
    """A field name (RFC 9110 §5.1)."""
    name = text(value)
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        raise Refusal(
            f"{shown(name)} is no header name", "use letters, digits and hyphens, as in X-Request-ID"
        )
    return name


def scalar(value: object) -> str | int | float | bool:
    """A code as it stands in a JSON body."""
    if not isinstance(value, str | int | float):
        raise Refusal(
            f"a code must be text, a number, true or false, not {kind_of(value)}", 'write it as 10 or "E10"'
        )
    return value


def alone_or_listed(value: object) -> Any:  # noqa: ANN401 (pydantic validates what comes out)
    """``x`` as ``[x]``; a list stays."""
    return value if isinstance(value, list) else [value]


Text = Annotated[str, PlainValidator(text), Form("text", '"…"')]
AnyText = Annotated[str, PlainValidator(any_text), Form("text", '"…"')]
Truth = Annotated[bool, PlainValidator(truth), Form("true or false", "true")]
Count = Annotated[int, PlainValidator(whole(1)), Form("whole number from 1", "5")]
Whole = Annotated[int, PlainValidator(whole(0)), Form("whole number from 0", "1")]
Factor = Annotated[float, PlainValidator(number), Form("number from 1", "2")]
Ratio = Annotated[float, PlainValidator(ratio), Form("number from 0 to 1", "0.2")]
Span = Annotated[timedelta, PlainValidator(duration), Form("duration", '"2m"')]
SomeSpan = Annotated[timedelta, PlainValidator(some_duration), Form("duration", '"30s"')]
Back = Annotated[timedelta | int, PlainValidator(back), Form("duration or count", '"2m"')]
Kept = Annotated[timedelta | None, PlainValidator(kept_for), Form('duration or "forever"', '"90d"')]
Size = Annotated[int, PlainValidator(size), Form("size", '"30MB"')]
Rates = Annotated[
    list[Annotated[Window, PlainValidator(rate)]],
    BeforeValidator(alone_or_listed),
    Form("rate, or list of rates", '"1000/minute"'),
]
JsonPath = Annotated[Path, PlainValidator(path), Form("JMESPath", '"items"')]
KeyPaths = Annotated[
    list[Annotated[Path, PlainValidator(path)]],
    BeforeValidator(alone_or_listed),
    Form("JMESPath, or list of them", '"id"'),
]
Where = Annotated[Lookup, PlainValidator(where), Form("JMESPath or header:NAME", '"meta.next"')]
Confidential = Annotated[Secret, PlainValidator(secret), Form("secret reference", '"env:API_KEY"')]
BaseUrl = Annotated[str, PlainValidator(base_url), Form("URL", '"https://api.example"')]
Listen = Annotated[str, PlainValidator(listen), Form("host:port", '"127.0.0.1:8787"')]
HeaderName = Annotated[str, PlainValidator(header_name), Form("header name", '"X-Request-ID"')]
Statuses = Annotated[
    list[Annotated[int, PlainValidator(whole(400, 599))]], Form("list of HTTP statuses", "[429, 503]")
]
Codes = Annotated[
    list[Annotated[Any, PlainValidator(scalar)]],
    BeforeValidator(alone_or_listed),
    Form("list of codes", "[10]"),
]


def whole_from(least: int) -> Any:  # noqa: ANN401 (an annotated type)
    """The form of a whole number from ``least``."""
    return Annotated[int, PlainValidator(whole(least)), Form(f"whole number from {least}", str(least))]


def one_of(*allowed: str) -> Any:  # noqa: ANN401 (an annotated type)
    """The form of a choice between a few words."""
    words = ", ".join(f'"{word}"' for word in allowed[:-1]) + f' or "{allowed[-1]}"'
    return Annotated[str, PlainValidator(choice(*allowed)), Form(words, f'"{allowed[0]}"')]
