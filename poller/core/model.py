"""The nouns of the settings, frozen: sources and streams as the rest of the house sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Protocol

from poller.core.path import Lookup, Path
from poller.core.position import SECOND, Position, TimeFormat, nanoseconds, resolution
from poller.core.request import Template

if TYPE_CHECKING:
    from poller.core.paging import Pager
    from poller.core.schedule import Schedule
    from poller.core.tokens import TokenAuth


class Order(StrEnum):
    """What the request asks the API to sort by."""

    ASC = "asc"
    """Ascending by position."""
    DESC = "desc"
    """Descending by position."""
    KEY = "key"
    """By a unique, immutable key: rows do not move when they change."""
    NONE = "none"
    """Nothing is asked, or nothing is promised."""


class Bound(StrEnum):
    """How the API's filter treats a row that stands exactly at since."""

    CLOSED = "closed"
    OPEN = "open"


class Kind(StrEnum):
    """What a position is."""

    TIMESTAMP = "timestamp"
    INTEGER = "integer"
    """A number that grows with each change; compared and moved like a timestamp, without a clock."""
    TOKEN = "token"  # noqa: S105 (no password)
    """An opaque text that the API gives with its pages: it can only be sent back."""


@dataclass(frozen=True, slots=True)
class SinceRule:
    """How a stream asks "what changed since". Spans are nanoseconds unless they are timedeltas.

    ``start`` is the first position ever asked for; None sends no since on the first poll.
    ``granularity`` is what the server's filter truncates to; None means that nobody said,
    and tie groups then assume one second.
    """

    how: TimeFormat = field(default_factory=TimeFormat)
    bound: Bound = Bound.CLOSED
    bound_unsaid: bool = False
    """Nobody said how the filter treats a row that stands exactly at since; closed is only a guess."""
    start: Position | None = None
    lookback: timedelta = timedelta(0)
    settle: timedelta = timedelta(0)
    granularity: timedelta | None = None
    until: timedelta | None = None
    """What to send for ``{until}`` on live polls, as an offset from now; None leaves it out."""
    history: timedelta | None = None
    """How far back the API can answer; None when it answers for ever."""
    kind: Kind = Kind.TIMESTAMP
    count: int = 0
    """The lookback of an integer position: how many numbers are read again."""
    token: Lookup | None = None
    """Where a page gives the token to go on from; set for tokens, and for them alone."""
    expired: frozenset[int] = frozenset({410})
    """Statuses by which the API says that it does not know the token any more."""

    @property
    def unit(self) -> int:
        """Nanoseconds inside which two positions count as equal (a tie group).

        The granularity, else one second, and never finer than what a request can express.
        A ``raw`` since is sent as it came and compares exactly.
        """
        if self.kind is not Kind.TIMESTAMP:
            return 1
        if self.how.format == "raw":
            return 1 if self.granularity is None else nanoseconds(self.granularity)
        stated = SECOND if self.granularity is None else nanoseconds(self.granularity)
        return max(stated, resolution(self.how))

    @property
    def step_back(self) -> int:
        """Nanoseconds to move since back so that the lower bound is closed in effect."""
        return self.unit if self.bound is Bound.OPEN or self.granularity is not None else 0

    @property
    def overlap(self) -> int:
        """Units of position (nanoseconds, or numbers) that every poll reads again."""
        return self.count if self.kind is Kind.INTEGER else nanoseconds(self.lookback)


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how patiently one request is repeated. ``attempts`` include the first."""

    attempts: int = 5
    initial: timedelta = timedelta(seconds=1)
    multiplier: float = 2.0
    maximum: timedelta = timedelta(seconds=60)
    jitter: Literal["full", "none"] = "full"
    statuses: frozenset[int] = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class BodyCodes:
    """Errors that come inside a 200 body. ``status`` finds the code; absent or null is ok."""

    status: Path
    ok: tuple[Any, ...] = (0,)
    retry: tuple[Any, ...] = ()
    fail: tuple[Any, ...] = ()
    message: Path | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one answer may cost, in bytes; ``ratio``: decoded over wire; ``depth``: JSON nesting."""

    request: int = 30_000_000
    wire: int = 64_000_000
    decoded: int = 256_000_000
    ratio: int = 100
    depth: int = 100


@dataclass(frozen=True, slots=True)
class Window:
    """A rate: at most ``permits`` requests in any rolling ``per``."""

    permits: int
    per: timedelta


class Auth(Protocol):
    """How a request proves who asks; one file per kind under ``poller/auth``."""

    def headers(self, reveal: Reveal) -> Sequence[tuple[str, str]]:
        """The header fields to send; ``reveal`` reads a secret reference, afresh each time."""
        ...


class Reveal(Protocol):
    """Reads one secret now. Raises SettingsError naming the reference (never its value)."""

    def __call__(self, secret: Secret) -> str: ...


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A reference to a secret (``env:NAME``, ``file:/path``) or, warned about, the secret itself."""

    reference: str

    def __repr__(self) -> str:
        return "Secret(…)"


@dataclass(frozen=True, slots=True)
class ColumnRule:
    """A column that the settings add or override. ``type`` None lets the data decide."""

    name: str
    path: Path
    type: str | None = None


MOST_ABSENT = 0.2
"""The largest part of a mirror that one full listing may mark deleted, unless the settings say otherwise."""


@dataclass(frozen=True, slots=True)
class Burial:
    """The records of one stream name deleted entities of another, ``stream`` (source.stream), by ``key``.

    ``changes`` is what the other stream's change feed keeps.
    """

    stream: str
    key: tuple[Path, ...]
    changes: Literal["full", "keys", "off"] = "full"


@dataclass(frozen=True, slots=True)
class UsageHeaders:
    """Response headers that say how much of the API's quota is used, and how much there is."""

    used: str
    limit: str


@dataclass(frozen=True, slots=True)
class Stream:
    """One endpoint of a source, mirrored into one table."""

    source: str
    name: str
    table: str
    template: Template
    pager: Pager
    schedule: Schedule
    records: Path = field(default_factory=lambda: Path("@"))
    key: tuple[Path, ...] = ()
    updated_at: Path | None = None
    order: Order = Order.NONE
    ties: Literal["stable", "unstable"] = "stable"
    since: SinceRule | None = None
    grace: timedelta = timedelta(minutes=1)
    budget: timedelta = timedelta(minutes=15)
    changes: Literal["full", "keys", "off"] = "full"
    columns: tuple[ColumnRule, ...] = ()
    errors: BodyCodes | None = None
    retry: Retry = field(default_factory=Retry)
    timeout: timedelta = timedelta(seconds=30)
    deleted: Path | None = None
    """An expression that is truthy in a record of a deleted entity; None: records never say so."""
    buried_by: str | None = None
    """The stream (source.stream) whose records name deleted entities of this one."""
    burials: tuple[Burial, ...] = ()
    """Whose entities the records of this stream name as deleted."""
    most_absent: float = MOST_ABSENT
    """The largest part of the mirror that one full listing may mark deleted by lacking it."""
    secret_headers: tuple[tuple[str, Secret], ...] = ()
    """Request headers of this stream alone that carry secrets."""
    conditional: bool = True
    """Whether unchanged listings of one page may be asked for with If-None-Match (RFC 9110 §13.1)."""
    accept: frozenset[str] = frozenset()
    """Names of the loss-hazard rules that the user has looked at and lives with."""
    depth: int = 100
    """How deep one record may be nested (the source's ``limits.depth``)."""

    def __str__(self) -> str:
        return f"{self.source}.{self.name}"

    @property
    def filters_by_since(self) -> bool:
        """Whether the request carries a since at all."""
        return self.since is not None and "since" in self.template.placeholders()


@dataclass(frozen=True, slots=True)
class Source:
    """One API: where it is, who we are there, and how politely we ask."""

    name: str
    base_url: str
    streams: tuple[Stream, ...] = ()
    auth: Auth | TokenAuth | None = None
    """None sends no credentials."""
    headers: tuple[tuple[str, str | Secret], ...] = ()
    concurrency: int = 5
    rate_limit: tuple[Window, ...] = ()
    request_id_header: str | None = None
    usage: UsageHeaders | None = None
    limits: Limits = field(default_factory=Limits)
