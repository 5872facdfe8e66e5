"""The settings as they are written: sections, keys, forms and defaults, and nothing of what they mean."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from poller.config import forms
from poller.config.forms import Form, choice
from poller.core.model import Limits, Retry
from poller.core.path import Path

_RETRY, _LIMITS = Retry(), Limits()

Table = Annotated[dict[str, Any], Form("table", "{ … }")]


class Section(BaseModel):
    """A table of the file: unknown keys are errors, and errors never show what was written."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class RawDatabase(Section):
    """Where the mirror lives."""

    url: forms.Text = Field(
        "sqlite:///mirror.db",
        description="SQLAlchemy URL; a relative SQLite path starts where poller is started",
    )


class RawDaemon(Section):
    """How `poller run` works."""

    listen: forms.Listen = Field(
        "127.0.0.1:8787", description="for the dashboard to come; nothing listens in this version"
    )
    workers: forms.Count = Field(8, description="polls that run at the same time")
    lease: forms.SomeSpan = Field(
        timedelta(seconds=60), description="how long a source stays reserved for a daemon that fell silent"
    )
    state_dir: forms.Text = Field(
        ".poller", description="folder of the token cache (files of mode 0600); nothing else is kept there"
    )
    spread: forms.Truth = Field(
        True, description="move the grid of each stream a little, so that not all fire at once"
    )


class RawRetention(Section):
    """How long what happened is kept; what is older goes by itself, and never what is still open."""

    runs: forms.Kept = Field(
        timedelta(days=90), description="runs, healed missed polls and closed dead letters"
    )
    requests: forms.Kept = Field(timedelta(days=14), description="HTTP requests")
    changes: forms.Kept = Field(
        None, description="the change feed; a reader who comes later takes a snapshot"
    )


class RawRetry(Section):
    """How often and how patiently one request is repeated."""

    attempts: forms.Count = Field(_RETRY.attempts, description="tries of one request, the first included")
    initial: forms.SomeSpan = Field(_RETRY.initial, description="wait before the second try")
    multiplier: forms.Factor = Field(
        _RETRY.multiplier, description="by which each wait is longer than the one before"
    )
    maximum: forms.SomeSpan = Field(
        _RETRY.maximum, description="longest wait of our own; Retry-After may ask for more"
    )
    jitter: Annotated[str, PlainValidator(choice("full", "none")), Form('"full" or "none"', '"full"')] = (
        Field(
            _RETRY.jitter, description="full: wait a random part, so that clients do not come back together"
        )
    )
    statuses: forms.Statuses = Field(
        sorted(_RETRY.statuses), description="HTTP statuses that are worth another try"
    )


class RawErrors(Section):
    """Errors that come inside a body with status 200."""

    status: forms.JsonPath = Field(description="where the body says how it went; absent or null is ok")
    ok: forms.Codes = Field([0], description="codes that mean success")
    retry: forms.Codes = Field([], description="codes that are worth another try")
    fail: forms.Codes = Field(
        [], description="codes that end the run at once, as every code does that stands in no list"
    )
    message: forms.JsonPath | None = Field(None, description="where the body explains the error")


class RawLimits(Section):
    """What one request and its answer may cost."""

    request: forms.Size = Field(_LIMITS.request, description="bytes of a request body")
    wire: forms.Size = Field(_LIMITS.wire, description="bytes of an answer as transferred")
    decoded: forms.Size = Field(_LIMITS.decoded, description="bytes of an answer after decompression")
    ratio: forms.Count = Field(_LIMITS.ratio, description="decompressed bytes per transferred byte")
    depth: forms.Count = Field(_LIMITS.depth, description="nesting of JSON")


class RawUsage(Section):
    """Response headers that say how much of the API's quota is used, shown by `poller status`."""

    used: forms.HeaderName = Field(description="header with the part that is used")
    limit: forms.HeaderName = Field(description="header with how much there is")


class RawSince(Section):
    """How the stream asks "what changed since"."""

    kind: Annotated[
        str,
        PlainValidator(choice("timestamp", "integer", "token")),
        Form('"timestamp", "integer" or "token"', '"timestamp"'),
    ] = Field(
        "timestamp",
        description="what a position is: a time, a number that grows, or a token that the API gives",
    )
    token: forms.Where | None = Field(
        None, description='where a page gives the token to go on from; for kind = "token"'
    )
    expired: forms.Statuses = Field(
        [410], description="HTTP statuses by which the API says that it does not know the token any more"
    )
    format: forms.Text = Field(
        "rfc3339",
        description="how {since} is written: rfc3339, unix, unix_ms, raw (as received) or a strftime pattern",
    )
    bound: Annotated[
        str, PlainValidator(choice("closed", "open")), Form('"closed" or "open"', '"closed"')
    ] = Field(
        "closed", description="closed: the API answers what is at or after {since}; open: only what is after"
    )
    granularity: forms.SomeSpan | None = Field(
        None,
        description="what the API's filter truncates to; when unknown, ties are assumed within one second",
    )
    timezone: forms.Text | None = Field(
        None, description="zone of timestamps without an offset; else they are UTC"
    )
    start: Annotated[Any, Form("timestamp or number", '"2024-01-01T00:00:00Z"')] = Field(
        None, description="the first {since}; without it the first poll sends none and reads everything"
    )
    lookback: forms.Back = Field(
        timedelta(0),
        description="overlap that is read again, for rows that show up late; for integers a count",
    )
    settle: forms.Span = Field(timedelta(0), description="newest stretch that the watermark never enters")
    until: forms.Text | None = Field(
        None, description='what {until} is on live polls, if the API insists: "now" or "now+1d"'
    )
    history: forms.SomeSpan | None = Field(
        None, description="how far back the API can answer; unlimited when left out"
    )


class RawStream(Section):
    """One endpoint, mirrored into one table."""

    table: forms.Text | None = Field(None, description="table of the mirror; SOURCE_STREAM when left out")
    method: Annotated[str, PlainValidator(choice("GET", "POST")), Form('"GET" or "POST"', '"GET"')] = Field(
        "GET", description="how the endpoint is asked"
    )
    path: forms.Text = Field(description="path below the base URL; placeholders allowed")
    params: Table = Field({}, description="query parameters; placeholders allowed")
    headers: Table = Field(
        {}, description="request headers beside or instead of the source's; placeholders allowed"
    )
    body: Annotated[Any, Form("JSON value", "{ … }")] = Field(
        None, description="JSON body of a POST; placeholders allowed"
    )
    records: forms.JsonPath = Field(
        Path("@"), description="where the list of records stands; @ is the whole body"
    )
    key: forms.KeyPaths = Field(description="what identifies a record")
    updated_at: forms.JsonPath | None = Field(None, description="where a record says when it last changed")
    order: Annotated[
        str,
        PlainValidator(choice("asc", "desc", "key", "none")),
        Form('"asc", "desc", "key" or "none"', '"asc"'),
    ] = Field(
        "none",
        description="what the request asks to sort by: position (asc, desc), a unique fixed key, or nothing",
    )
    ties: Annotated[
        str, PlainValidator(choice("stable", "unstable")), Form('"stable" or "unstable"', '"stable"')
    ] = Field("stable", description="whether records with equal positions keep their order between requests")
    schedule: forms.Text = Field(description="a duration, or a cron expression of five fields")
    timezone: forms.Text | None = Field(None, description="zone of a cron expression; UTC when left out")
    grace: forms.Span = Field(
        timedelta(minutes=1), description="how late a poll may be before the stream is late"
    )
    budget: forms.SomeSpan = Field(
        timedelta(minutes=15), description="time of one run; then it ends as partial and the next goes on"
    )
    since: RawSince | None = Field(
        None, description="how changes are asked for; without it every poll reads everything"
    )
    page: Table = Field(description="how the API pages: type and its options")
    deletes: Table = Field(
        {"mode": "none"},
        description='how deletions show: mode "none", "flag" (flag = an expression that is true of a deleted '
        'record) or "feed" (stream = the stream whose records name deleted ones, key = where they do); '
        "max_ratio is the largest part of the mirror that one full listing may mark deleted by lacking it",
    )
    conditional: forms.Truth = Field(
        True, description="ask again for an unchanged listing of one page with If-None-Match"
    )
    changes: Annotated[
        str, PlainValidator(choice("full", "keys", "off")), Form('"full", "keys" or "off"', '"full"')
    ] = Field(
        "full", description="what the change feed keeps: records before and after, keys only, or nothing"
    )
    columns: Table = Field({}, description='columns to add or override: name = "path" or { path, type }')
    errors: RawErrors | None = Field(None, description="instead of the source's errors")
    retry: RawRetry | None = Field(None, description="instead of the source's retry")
    timeout: forms.SomeSpan | None = Field(None, description="instead of the source's timeout")
    accept: Annotated[list[forms.Text], Form("list of rule names", '["…"]')] = Field(
        [], description="hazards that `poller check` names and that you have looked at and live with"
    )


class RawSource(Section):
    """One API."""

    base_url: forms.BaseUrl = Field(description="scheme, host and common path of all its endpoints")
    timeout: forms.SomeSpan = Field(
        timedelta(seconds=30), description="of a whole request, headers and body included"
    )
    concurrency: forms.Count = Field(5, description="requests under way at the same time, over all streams")
    rate_limit: forms.Rates = Field(
        [], description="requests per time, over all streams; several may hold together"
    )
    request_id_header: forms.HeaderName | None = Field(
        None, description="response header that names the request; recorded with all that it brought"
    )
    usage_headers: RawUsage | None = Field(
        None, description="response headers that say how much of the quota is used"
    )
    limits: RawLimits = Field(RawLimits(), description="bounds on requests and answers")
    headers: Table = Field({}, description="request headers; values may be secret references")
    auth: Table = Field({"type": "none"}, description="who asks: type and its options")
    retry: RawRetry = Field(RawRetry(), description="how failed requests are repeated")
    errors: RawErrors | None = Field(None, description="errors inside a body with status 200")
    streams: dict[str, RawStream] = Field({}, description="the endpoints to mirror, by name")


class RawSettings(BaseSettings):
    """The whole file, with the environment laid over it."""

    model_config = SettingsConfigDict(
        env_prefix="POLLER_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    database: RawDatabase = Field(RawDatabase(), description="where the mirror lives")
    daemon: RawDaemon = Field(RawDaemon(), description="how `poller run` works")
    retention: RawRetention = Field(RawRetention(), description="how long what happened is kept")
    sources: dict[str, RawSource] = Field({}, description="the APIs, by name")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 (pydantic's signature)
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (pydantic's signature)
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (pydantic's signature)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (pydantic's signature)
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what it is given: ``layers`` reads file and environment, to know what came from where."""
        return (init_settings,)
