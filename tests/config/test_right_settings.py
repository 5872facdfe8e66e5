"""Right settings become the nouns that the rest of the house knows."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from poller.auth.api_key import ApiKey
from poller.core.model import BodyCodes, Bound, ColumnRule, Limits, Order, Retry, Secret, SinceRule, Window
from poller.core.path import Header
from poller.core.path import Path as JsonPath
from poller.core.position import TimeFormat, parse
from poller.core.request import Template
from poller.pagers.cursor import Cursor
from poller.pagers.keyset import Keyset
from poller.schedules.cron import Cron
from poller.schedules.interval import Interval, spread_of
from tests.config.written import RIGHT, changed, problems_of, settings_of

FULL = """\
[daemon]
listen = "[::1]:9000"
workers = 2
lease = "30s"
state_dir = "/var/lib/poller"
spread = false

[retention]
runs = "forever"
requests = "1d"
changes = "365d"

[sources.crm]
base_url = "https://crm.example/api/"
timeout = "10s"
concurrency = 2
rate_limit = ["10/second", "1000/minute"]
request_id_header = "X-Request-ID"
limits = { request = "1MB", ratio = 50 }
headers = { Accept = "application/json", X-Key = "file:/run/secrets/key" }
auth = { type = "api_key", header = "X-Api-Key", value = "env:KEY" }
retry = { attempts = 3, multiplier = 1.5, jitter = "none", statuses = [503] }
errors = { status = "statusCode", ok = 0, retry = [10], fail = [5, "E"], message = "message" }

[sources.crm.streams.calls]
method = "POST"
path = "/search"
headers = { X-Mode = "search" }
body.where = [{ field = "u", from = "{since}", to = "{until}" }]
body.after = "{cursor}"
body.n = "{size}"
body.x = [1, true]
records = "result.items"
key = ["account", "id"]
updated_at = "u"
order = "desc"
ties = "unstable"
schedule = "30 2 * * 1-5"
timezone = "Europe/Oslo"
grace = "5m"
budget = "1h"
page = { type = "cursor", next = "header:X-Next", more = "more", size = 50 }
deletes = { mode = "none" }
changes = "keys"
columns = { city = "address.city", total = { path = "t", type = "decimal" }, plain = { type = "text" } }
retry = { attempts = 1 }
timeout = "1m"
accept = ["unstable-ties"]

[sources.crm.streams.calls.since]
format = "%Y-%m-%d %H:%M:%S"
timezone = "Europe/Oslo"
bound = "open"
granularity = "1s"
start = 2024-07-01T00:00:00
lookback = "2h"
settle = "5s"
until = "now+1d"
history = "30d"
"""


def test_everything_that_can_be_written_arrives(tmp_path: Path) -> None:
    settings = settings_of(FULL, tmp_path)

    source, stream = settings.sources[0], settings.streams[0]
    assert settings.database_url == "sqlite:///mirror.db"
    assert (settings.daemon.host, settings.daemon.port) == ("::1", 9000)
    assert (settings.daemon.workers, settings.daemon.lease) == (2, timedelta(seconds=30))
    assert settings.daemon.state_dir == Path("/var/lib/poller")
    assert settings.retention.runs is None
    assert (settings.retention.requests, settings.retention.changes) == (timedelta(1), timedelta(365))
    assert (source.name, source.base_url, source.concurrency) == ("crm", "https://crm.example/api", 2)
    assert source.rate_limit == (Window(10, timedelta(seconds=1)), Window(1000, timedelta(minutes=1)))
    assert source.request_id_header == "X-Request-ID"
    assert source.limits == Limits(request=10**6, ratio=50)
    assert source.headers == (("Accept", "application/json"), ("X-Key", Secret("file:/run/secrets/key")))
    assert isinstance(source.auth, ApiKey)
    assert list(source.auth.headers(lambda secret: secret.reference)) == [("X-Api-Key", "env:KEY")]
    assert stream.template == Template(
        method="POST",
        path="/search",
        headers=(("X-Mode", "search"),),
        body={
            "where": [{"field": "u", "from": "{since}", "to": "{until}"}],
            "after": "{cursor}",
            "n": "{size}",
            "x": [1, True],
        },
    )
    assert stream.pager == Cursor(size=50, next=Header("X-Next"), more=JsonPath("more"))
    assert stream.schedule == Cron("30 2 * * 1-5", "Europe/Oslo")


def test_a_stream_arrives_with_its_rules(tmp_path: Path) -> None:
    stream = settings_of(FULL, tmp_path).streams[0]

    how = TimeFormat("%Y-%m-%d %H:%M:%S", "Europe/Oslo")
    assert str(stream) == "crm.calls"
    assert stream.table == "crm_calls"
    assert (stream.records.text, [path.text for path in stream.key]) == ("result.items", ["account", "id"])
    assert (stream.order, stream.ties, stream.changes) == (Order.DESC, "unstable", "keys")
    assert (stream.grace, stream.budget) == (timedelta(minutes=5), timedelta(hours=1))
    assert stream.timeout == timedelta(minutes=1)
    assert stream.accept == {"unstable-ties"}
    assert stream.columns == (
        ColumnRule("city", JsonPath("address.city")),
        ColumnRule("total", JsonPath("t"), "decimal"),
        ColumnRule("plain", JsonPath("plain"), "text"),
    )
    assert stream.retry == Retry(attempts=1)
    assert stream.errors == BodyCodes(JsonPath("statusCode"), (0,), (10,), (5, "E"), JsonPath("message"))
    assert stream.since == SinceRule(
        how=how,
        bound=Bound.OPEN,
        start=parse("2024-06-30T22:00:00Z", TimeFormat()),
        lookback=timedelta(hours=2),
        settle=timedelta(seconds=5),
        granularity=timedelta(seconds=1),
        until=timedelta(days=1),
        history=timedelta(days=30),
    )


def test_a_stream_takes_from_its_source_what_it_does_not_say(tmp_path: Path) -> None:
    text = changed("rate_limit", 'retry = { attempts = 2 }\nerrors = { status = "s" }\nrate_limit')

    stream = settings_of(text, tmp_path).streams[0]

    assert stream.retry == Retry(attempts=2)
    assert stream.errors == BodyCodes(JsonPath("s"))
    assert stream.timeout == timedelta(seconds=30)


def test_intervals_are_spread_by_the_name_of_the_stream_unless_told_otherwise(tmp_path: Path) -> None:
    five = timedelta(minutes=5)

    spread = settings_of(RIGHT, tmp_path).streams[0]
    exact = settings_of(changed("workers = 8", "spread = false"), tmp_path).streams[0]

    assert spread.schedule == Interval(five, spread_of("crm.issues", five))
    assert exact.schedule == Interval(five)


def test_a_since_table_of_unix_times_may_start_at_a_number(tmp_path: Path) -> None:
    text = changed('format = "rfc3339", lookback', 'format = "unix", start = 1700000000, lookback')

    since = settings_of(text, tmp_path).streams[0].since

    assert since is not None
    assert since.start == 1_700_000_000 * 10**9


@pytest.mark.parametrize(
    "pattern", ["%Y-%m-%dT%H:%M:%S.%f", "%Y%m%d", "%d/%m/%Y %I:%M %p", "%Y-%m-%dT%H:%M:%S%z"]
)
def test_patterns_that_keep_the_time_are_taken(pattern: str, tmp_path: Path) -> None:
    text = changed('"rfc3339"', f'"{pattern}"')

    since = settings_of(text, tmp_path).streams[0].since

    assert since is not None
    assert since.how.format == pattern


def test_a_keyset_needs_ascending_order(tmp_path: Path) -> None:
    keyset = RIGHT.replace('type = "offset"', 'type = "keyset"').replace(' offset = "{offset}",', "")

    right = settings_of(keyset, tmp_path).streams[0]
    wrong = problems_of(keyset.replace('order = "asc"', 'order = "key"'), tmp_path)
    unsaid = problems_of(keyset.replace('order = "asc"\n', ""), tmp_path)

    assert right.pager == Keyset(size=100)
    assert (wrong.key, wrong.line) == ("sources.crm.streams.issues.order", 23)
    assert unsaid.key == "sources.crm.streams.issues.page"
    assert "ascending order" in unsaid.message


def test_a_keyset_cannot_ask_behind_a_raw_position(tmp_path: Path) -> None:
    keyset = RIGHT.replace('type = "offset"', 'type = "keyset"').replace(' offset = "{offset}",', "")
    raw = re.sub(r"^since = .*$", 'since = { format = "raw" }', keyset, flags=re.MULTILINE)

    problem = problems_of(raw, tmp_path)

    assert problem.key is not None
    assert problem.key.endswith("since.format")
    assert "raw since cannot express" in problem.message


def test_a_cursor_from_a_key_of_two_fields_is_refused(tmp_path: Path) -> None:
    text = RIGHT.replace(PAGE, 'page = { type = "cursor", from_key = true, size = 9 }').replace(
        "offset", "cursor"
    )

    problem = problems_of(text.replace('key = "id"', 'key = ["a", "id"]'), tmp_path)

    assert problem.key == "sources.crm.streams.issues.page.from_key"
    assert "a key of one part" in problem.message


PAGE = 'page = { type = "offset", size = 100 }'


@pytest.mark.parametrize(
    ("path", "since", "message"),
    [
        ("/a/{since}", "", "{since} has no value in the first request"),
        ("/a/{until}", 'start = "2024-01-01", ', "{until} has no value in the first request"),
    ],
)
def test_a_path_must_be_whole_from_the_first_request_on(
    path: str, since: str, message: str, tmp_path: Path
) -> None:
    text = RIGHT.replace('"/issues"', f'"{path}"').replace("since = { ", f"since = {{ {since}")

    problem = problems_of(text, tmp_path)

    assert problem.key == "sources.crm.streams.issues.path"
    assert message in problem.message


def test_a_cursor_in_a_path_has_no_value_in_the_first_request(tmp_path: Path) -> None:
    text = RIGHT.replace('"/issues"', '"/issues/{cursor}"').replace(' offset = "{offset}",', "")

    problem = problems_of(text.replace('type = "offset"', 'type = "cursor", next = "n"'), tmp_path)

    assert problem.message == "{cursor} has no value in the first request, and the path needs one"
    assert (problem.line, problem.column) == (18, 8)


def test_a_path_that_is_whole_may_hold_since_and_until(tmp_path: Path) -> None:
    text = RIGHT.replace('"/issues"', '"/from/{since}/to/{until}"').replace('after = "{since}", ', "")
    text = text.replace("lookback", 'start = "2024-01-01", until = "now", lookback')

    stream = settings_of(text, tmp_path).streams[0]

    assert stream.template.path == "/from/{since}/to/{until}"
    assert stream.since is not None
    assert stream.since.until == timedelta(0)


def test_two_streams_cannot_share_a_table_whatever_its_case(tmp_path: Path) -> None:
    stream = RIGHT[RIGHT.index("[sources.crm.streams.issues]") :]
    text = RIGHT + "\n" + stream.replace("streams.issues", "streams.tickets").replace('"issues"', '"Issues"')

    problem = problems_of(text, tmp_path)

    assert str(problem).endswith(
        ":29:9: sources.crm.streams.tickets.table: table Issues is already the mirror of crm.issues"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a__b", "is no name for a source"),
        ("a.b", "is no name for a source"),
        ("1a", "is no name for a source"),
        ("CRM", "differ only in case"),
    ],
)
def test_a_name_must_fit_into_commands_tables_and_variables(name: str, message: str, tmp_path: Path) -> None:
    text = RIGHT + f'\n[sources."{name}"]\nbase_url = "https://a.example"\n'

    problem = problems_of(text, tmp_path)

    assert message in problem.message
    assert problem.line == 28


def test_a_long_or_odd_name_needs_a_table_of_its_own(tmp_path: Path) -> None:
    long = "n" * 70
    text = RIGHT.replace("streams.issues", f"streams.{long}").replace('table = "issues"\n', "")

    problem = problems_of(text, tmp_path)

    assert problem.message == f"crm_{long} has 74 characters"
    assert problem.line == 16


def test_a_start_may_be_written_in_rfc_3339_whatever_the_format(tmp_path: Path) -> None:
    text = changed(
        'format = "rfc3339", lookback', 'format = "%d.%m.%Y %H:%M", start = "2024-01-01", lookback'
    )

    since = settings_of(text, tmp_path).streams[0].since

    assert since is not None
    assert since.start == parse("2024-01-01T00:00:00Z", TimeFormat())


def test_a_literal_key_in_the_query_is_warned_about(tmp_path: Path) -> None:
    settings = settings_of(changed("after =", 'api_key = "hunter2", after ='), tmp_path)

    assert ["ends in logs" in warning for warning in settings.warnings] == [True]


def test_a_change_of_nothing_but_the_mode_of_deletes_is_taken(tmp_path: Path) -> None:
    settings = settings_of(RIGHT + "deletes = {}\n", tmp_path)

    assert len(settings.streams) == 1


def test_raw_positions_start_with_the_exact_text(tmp_path: Path) -> None:
    raw = changed('format = "rfc3339", lookback = "2m"', 'format = "raw", start = "2024-01-01T00:00:00Z"')

    right = settings_of(raw, tmp_path).streams[0]
    wrong = problems_of(raw.replace("T00:00:00Z", " 00:00:00"), tmp_path)

    assert right.since is not None
    assert right.since.how.format == "raw"
    assert wrong.key == "sources.crm.streams.issues.since.start"
    assert 'start = "2024-01-01T00:00:00Z"' in (wrong.hint or "")


def test_placeholders_have_no_place_in_a_sources_headers(tmp_path: Path) -> None:
    problem = problems_of(
        changed("rate_limit", 'headers = { If-Modified-Since = "{since}" }\nrate_limit'), tmp_path
    )

    assert problem.key == "sources.crm.headers.If-Modified-Since"
    assert "the stream's headers" in (problem.hint or "")
