"""Each wrong setting is named by its place, its key, what is wrong, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.config.written import RIGHT, changed, marked_place, problems_of


class Wrong(NamedTuple):
    """``old`` is replaced by ``new``, which marks where the problem points at."""

    old: str
    new: str
    key: str | None
    message: str
    hint: str


STREAM = "sources.crm.streams.issues"
SINCE = 'since = { format = "rfc3339", lookback = "2m" }'
PAGE = 'page = { type = "offset", size = 100 }'
AUTH = 'auth = { type = "bearer", token = "env:CRM_TOKEN" }'
PARAMS = 'params = { after = "{since}", offset = "{offset}", limit = "{size}" }'

WRONG = {
    "a section nobody knows": Wrong(
        "[daemon]", "[»deamon]", "deamon", "unknown key", 'did you mean "daemon"?'
    ),
    "a key nobody knows": Wrong(
        "timeout =", "»timeuot =", "sources.crm.timeuot", "unknown key", 'mean "timeout"?'
    ),
    "an option that a pager does not have": Wrong(
        "size = 100 }",
        "»limt = 100, size = 100 }",
        f"{STREAM}.page.limt",
        "unknown key",
        "known here: size, total",
    ),
    "an option close to one that a pager has": Wrong(
        "size = 100 }", "»sise = 100 }", f"{STREAM}.page.sise", "unknown key", 'did you mean "size"?'
    ),
    "a key that is missing": Wrong(
        'key = "id"\n', "", f"{STREAM}.key", "is missing", 'add key = "id" (what identifies a record)'
    ),
    "a base URL that is missing": Wrong(
        'base_url = "https://crm.example"\n', "", "sources.crm.base_url", "is missing", "add base_url ="
    ),
    "a schedule that is missing": Wrong(
        'schedule = "5m"\n', "", f"{STREAM}.schedule", "is missing", "add schedule"
    ),
    "no way to page": Wrong(PAGE + "\n", "", f"{STREAM}.page", "is missing", "how the API pages"),
    "a duration without a unit": Wrong(
        'timeout = "30s"', 'timeout = »"30"', "sources.crm.timeout", "has no unit", "30s, 5m, 1h30m or 90d"
    ),
    "a duration without quotes": Wrong(
        'timeout = "30s"', "timeout = »30", "sources.crm.timeout", "must be text with a unit", "30s, 5m"
    ),
    "a duration out of order": Wrong(
        'timeout = "30s"', 'timeout = »"30m1h"', "sources.crm.timeout", "out of order", "write 1h30m"
    ),
    "no time at all": Wrong(
        'timeout = "30s"', 'timeout = »"0s"', "sources.crm.timeout", "no time at all", "above zero"
    ),
    "a rate that is none": Wrong(
        '"1000/minute"',
        '»"1000 a minute"',
        "sources.crm.rate_limit",
        "is not a rate",
        '"10/second", "1000/minute"',
    ),
    "a rate in a list": Wrong(
        '"1000/minute"',
        '["10/second", »"9/fortnight"]',
        "sources.crm.rate_limit[1]",
        "names no time",
        "100/15m",
    ),
    "a size with an unknown unit": Wrong(
        "rate_limit",
        'limits = { wire = »"3MX" }\nrate_limit',
        "sources.crm.limits.wire",
        "unknown unit 'MX'",
        '"30MB"',
    ),
    "a number in words": Wrong(
        "workers = 8", 'workers = »"many"', "daemon.workers", "must be a whole number", "without quotes"
    ),
    "no worker": Wrong("workers = 8", "workers = »0", "daemon.workers", "0 is out of range", "at least 1"),
    "a retention that is none": Wrong(
        'runs = "90d"', 'runs = »"always"', "retention.runs", "not a duration", "90d"
    ),
    "a base URL without a scheme": Wrong(
        '"https://crm.example"',
        '»"crm.example"',
        "sources.crm.base_url",
        "not a full http",
        "https://api.example",
    ),
    "a password in the base URL": Wrong(
        '"https://crm.example"',
        '»"https://u:hunter2@crm.example"',
        "sources.crm.base_url",
        "end in logs",
        "use auth",
    ),
    "a path that is a URL": Wrong(
        '"/issues"', '»"https://crm.example/issues"', f"{STREAM}.path", "is a full URL", "below base_url"
    ),
    "a path with a query": Wrong(
        '"/issues"', '»"/issues?a=1"', f"{STREAM}.path", "has a query", "into params"
    ),
    "a path without a slash": Wrong(
        '"/issues"', '»"issues"', f"{STREAM}.path", "does not begin with /", '"/issues"'
    ),
    "a placeholder that does not exist": Wrong(
        '"{since}"', '»"{sinc}"', f"{STREAM}.params.after", "no placeholder {sinc}", 'did you mean "since"?'
    ),
    "a brace that is not closed": Wrong(
        '"{since}"', '»"{since"', f"{STREAM}.params.after", "brace without its partner", "write {since}"
    ),
    "literal braces that are not doubled": Wrong(
        '"{since}"',
        """»'{"a":{"b":"{since}"}}'""",
        f"{STREAM}.params.after",
        "do not pair up",
        "double each literal brace",
    ),
    "since without its table": Wrong(
        SINCE + "\n",
        "",
        f"{STREAM}.params.after",
        "{since} is used and the stream has no since",
        "add since =",
    ),
    "a since that is never sent": Wrong(
        'after = "{since}", ', "", f"{STREAM}.since", "no {since} anywhere", "put {since} where the API takes"
    ),
    "an offset that is never sent": Wrong(
        'offset = "{offset}", ',
        "",
        f"{STREAM}.page",
        "every page is the first page",
        "put {offset} into params",
    ),
    "a page size that is never sent": Wrong(
        ', limit = "{size}"', "", f"{STREAM}.page.size", "never sent", 'put "{size}"'
    ),
    "a placeholder that nothing fills": Wrong(
        '"{since}"',
        '»"{since}{cursor}"',
        f"{STREAM}.params.after",
        "nothing fills {cursor}",
        "remove {cursor}",
    ),
    "a cursor that nothing names": Wrong(
        PAGE, 'page = { type = "cursor" }', f"{STREAM}.page", "either next", "options: size, next, more"
    ),
    "a pager that does not exist": Wrong(
        '"offset", size',
        '»"ofset", size',
        f"{STREAM}.page.type",
        "no page type 'ofset'",
        'did you mean "offset"?',
    ),
    "a pager without a type": Wrong(
        'type = "offset", ', "", f"{STREAM}.page", "type is missing", "known: cursor, key"
    ),
    "a pager of a later version": Wrong(
        '"offset", size',
        '»"link", size',
        f"{STREAM}.page.type",
        "not supported yet in this version",
        "next_url",
    ),
    "page numbers": Wrong(
        '"{since}"',
        '»"{since}{page}"',
        f"{STREAM}.params.after",
        "not supported yet in this version",
        "offset",
    ),
    "a credential of a later version": Wrong(
        '"bearer", token',
        '»"basic", token',
        "sources.crm.auth.type",
        "not supported yet in this version",
        "api_key",
    ),
    "deletions of a later version": Wrong(
        PAGE,
        PAGE + '\ndeletes = { mode = »"sweep" }',
        f"{STREAM}.deletes.mode",
        "not supported yet",
        'mode = "none"',
    ),
    "positions of a later version": Wrong(
        "lookback",
        'kind = »"integer", lookback',
        f"{STREAM}.since.kind",
        "not supported yet",
        "leave since out",
    ),
    "a stream's key of a later version": Wrong(
        PAGE, PAGE + '\n»expect = { every = "1h" }', f"{STREAM}.expect", "not supported yet", "poller status"
    ),
    "a source's key of a later version": Wrong(
        "rate_limit",
        '»references = { run = "R" }\nrate_limit',
        "sources.crm.references",
        "not supported yet",
        "remove",
    ),
    "an order without a position": Wrong(
        'updated_at = "updated"\norder = "asc"',
        'order = »"asc"',
        f"{STREAM}.order",
        "no updated_at",
        'order = "key" or "none"',
    ),
    "an order that does not exist": Wrong(
        'order = "asc"', 'order = »"ascending"', f"{STREAM}.order", "none of", 'did you mean "asc"?'
    ),
    "a JMESPath that cannot be read": Wrong(
        '"items"', '»"items[?"', f"{STREAM}.records", "not a JMESPath", "https://jmespath.org"
    ),
    "a key of nothing": Wrong(
        'key = "id"', "key = »[]", f"{STREAM}.key", "names no field", 'write key = "id"'
    ),
    "a key field twice": Wrong(
        'key = "id"', 'key = ["id", »"id"]', f"{STREAM}.key[1]", "twice", "remove one"
    ),
    "a time format that does not exist": Wrong(
        '"rfc3339"', '»"rfc339"', f"{STREAM}.since.format", "no format 'rfc339'", 'did you mean "rfc3339"?'
    ),
    "a pattern without a year": Wrong(
        '"rfc3339"', '»"%m-%d %H:%M:%S"', f"{STREAM}.since.format", "loses information", "name the full date"
    ),
    "a pattern of twelve hours": Wrong(
        '"rfc3339"', '»"%Y-%m-%d %I:%M:%S"', f"{STREAM}.since.format", "loses information", "24-hour time"
    ),
    "a raw position that looks back": Wrong(
        '"rfc3339", lookback = "2m"',
        '"raw", lookback = »"2m"',
        f"{STREAM}.since.lookback",
        "cannot be moved",
        "name the",
    ),
    "a raw position behind an open bound": Wrong(
        '"rfc3339", lookback = "2m"',
        '"raw", bound = »"open"',
        f"{STREAM}.since.bound",
        "would be lost",
        "name the format",
    ),
    "a zone that does not exist": Wrong(
        "lookback",
        'timezone = »"Europe/Olso", lookback',
        f"{STREAM}.since.timezone",
        "no time zone",
        '"Europe/Oslo"?',
    ),
    "a lookback below the granularity": Wrong(
        'lookback = "2m"',
        'granularity = "5m", lookback = »"2m"',
        f"{STREAM}.since.lookback",
        "shorter than the granularity, 5m",
        "use at least 5m",
    ),
    "a start that is no time": Wrong(
        "lookback",
        'start = »"yesterday", lookback',
        f"{STREAM}.since.start",
        "no timestamp",
        "2024-01-01T00:00:00Z",
    ),
    "an end before now": Wrong(
        SINCE,
        'headers = { X-Until = "{until}" }\nsince = { until = »"now-1d" }',
        f"{STREAM}.since.until",
        "is no end",
        "an earlier end would lose rows",
    ),
    "six cron fields": Wrong(
        'schedule = "5m"', 'schedule = »"0 */5 * * * *"', f"{STREAM}.schedule", "has 6 fields", "write five"
    ),
    "a zone on an interval": Wrong(
        'schedule = "5m"',
        'schedule = "5m"\ntimezone = »"Europe/Oslo"',
        f"{STREAM}.timezone",
        "has no effect",
        "use a cron expression",
    ),
    "a schedule in words": Wrong(
        'schedule = "5m"',
        'schedule = »"hourly"',
        f"{STREAM}.schedule",
        "is not a schedule",
        "a duration such as",
    ),
    "a table with odd letters": Wrong(
        '"issues"\npath', '»"iss-ues"\npath', f"{STREAM}.table", "no table name", "letters, digits and _"
    ),
    "a table that is ours": Wrong(
        '"issues"\npath', '»"poller_runs"\npath', f"{STREAM}.table", "are taken", "another name"
    ),
    "a GET with a body": Wrong(
        "records", "»body = { a = 1 }\nrecords", f"{STREAM}.body", "a GET carries no body", 'method = "POST"'
    ),
    "a date in a body": Wrong(
        "records",
        'method = "POST"\nbody = { a = [»1979-05-27] }\nrecords',
        f"{STREAM}.body.a[0]",
        "cannot be sent",
        "quote it",
    ),
    "a table in the query": Wrong(
        "after =",
        'updated.gte = "x", after =',
        f"{STREAM}.params.updated",
        "not a table",
        '"updated.gte" = …',
    ),
    "a secret in the query": Wrong(
        "after =", 'api_key = »"env:KEY", after =', f"{STREAM}.params.api_key", "would end in logs", "auth"
    ),
    "a secret in a stream's headers": Wrong(
        "records",
        'headers = { Authorization = »"env:T" }\nrecords',
        f"{STREAM}.headers.Authorization",
        "cannot",
        "source",
    ),
    "a place for secrets that does not exist": Wrong(
        '"env:CRM_TOKEN"',
        '»"enf:CRM_TOKEN"',
        "sources.crm.auth.token",
        "unknown place for secrets",
        '"env:…"',
    ),
    "a secret that is a number": Wrong(
        '"env:CRM_TOKEN"', "»12345", "sources.crm.auth.token", "must be text, not a number", "env:NAME"
    ),
    "a column type that does not exist": Wrong(
        PAGE,
        PAGE + '\ncolumns = { total = { path = "t", type = »"decimel" } }',
        f"{STREAM}.columns.total.type",
        "no column type",
        'mean "decimal"?',
    ),
    "a column with a meta name": Wrong(
        PAGE,
        PAGE + '\ncolumns = { »_key = "t" }',
        f"{STREAM}.columns._key",
        "no column name",
        "a letter first",
    ),
    "a code in two lists": Wrong(
        "rate_limit",
        'errors = { status = "s", retry = [10], fail = [5, »10] }\nrate_limit',
        "sources.crm.errors.fail[1]",
        "stands in two lists",
        "leave it in one",
    ),
    "waits that shrink": Wrong(
        "rate_limit",
        'retry = { initial = "5s", maximum = »"1s" }\nrate_limit',
        "sources.crm.retry.maximum",
        "shorter than the first, 5s",
        "at least as long",
    ),
    "a method that changes things": Wrong(
        "records", 'method = »"DELETE"\nrecords', f"{STREAM}.method", "is none of", '"GET", "POST"'
    ),
    "a table instead of a text": Wrong(
        'key = "id"', 'key = »{ a = "id" }', f"{STREAM}.key", "must be text, not a table", "in quotes"
    ),
    "a text instead of a table": Wrong(
        SINCE, 'since = »"2m"', f"{STREAM}.since", "must be a table", "{ key = value"
    ),
    "an end that is no duration": Wrong(
        SINCE,
        'headers = { X-Until = "{until}" }\nsince = { until = »"now+soon" }',
        f"{STREAM}.since.until",
        "is no end",
        '"now+1d"',
    ),
    "an end that is never sent": Wrong(
        "lookback",
        'until = »"now", lookback',
        f"{STREAM}.since.until",
        "no {until} in the request",
        "remove until",
    ),
    "a kind of position that does not exist": Wrong(
        "lookback", 'kind = »"date", lookback', f"{STREAM}.since.kind", "no since kind 'date'", '"timestamp"'
    ),
    "a zone like no other": Wrong(
        "lookback",
        'timezone = »"Mars", lookback',
        f"{STREAM}.since.timezone",
        "no time zone 'Mars'",
        "IANA name",
    ),
    "a history shorter than the lookback": Wrong(
        "lookback", 'history = »"1m", lookback', f"{STREAM}.since.history", "answers for 1m", "lower lookback"
    ),
    "a token": Wrong(
        "lookback", '»token = "t", lookback', f"{STREAM}.since.token", "not supported yet", "remove it"
    ),
    "a parent": Wrong(
        '"/issues"',
        '»"/a/{parent.id}/b"',
        f"{STREAM}.path",
        "streams with a parent are not supported",
        "remove the",
    ),
    "a deletes mode that does not exist": Wrong(
        PAGE,
        PAGE + '\ndeletes = { mode = »"hard" }',
        f"{STREAM}.deletes.mode",
        "no deletes mode",
        'mode = "none"',
    ),
    "an option of no deletes": Wrong(
        PAGE, PAGE + '\ndeletes = { »flag = "x" }', f"{STREAM}.deletes.flag", "has no meaning", "remove it"
    ),
    "a rule name that is none": Wrong(
        PAGE, PAGE + '\naccept = [»"No Key"]', f"{STREAM}.accept[0]", "no rule name", "poller check"
    ),
    "a header that is no text": Wrong(
        "records", "headers = { X-A = »5 }\nrecords", f"{STREAM}.headers.X-A", "must be text", "in quotes"
    ),
    "a header with a letter that cannot be sent": Wrong(
        "records",
        'headers = { X-A = »"é" }\nrecords',
        f"{STREAM}.headers.X-A",
        "cannot stand in a header",
        "ASCII",
    ),
    "lists inside a list of the query": Wrong(
        "after =", "ids = »[[1]], after =", f"{STREAM}.params.ids", "must be flat", "numbers, true or false"
    ),
    "a number that JSON does not have": Wrong(
        "after =", "x = »nan, after =", f"{STREAM}.params.x", "nan does not exist in JSON", "finite"
    ),
    "two columns that differ in case": Wrong(
        PAGE, PAGE + '\ncolumns = { a = "x", »A = "y" }', f"{STREAM}.columns.A", "two columns a", "rename one"
    ),
    "a column without a path that can be read": Wrong(
        PAGE,
        PAGE + '\ncolumns = { a = »"x[" }',
        f"{STREAM}.columns.a",
        "not a JMESPath",
        "https://jmespath.org",
    ),
    "an option of a column that does not exist": Wrong(
        PAGE,
        PAGE + '\ncolumns = { a = { »pth = "x" } }',
        f"{STREAM}.columns.a.pth",
        "unknown key",
        'mean "path"?',
    ),
    "a column type like no other": Wrong(
        PAGE,
        PAGE + '\ncolumns = { a = { type = »"xyz" } }',
        f"{STREAM}.columns.a.type",
        "no column type",
        "use text,",
    ),
    "a reference to nothing": Wrong(
        '"env:CRM_TOKEN"', '»"env:"', "sources.crm.auth.token", "refers to nothing", "write env:NAME"
    ),
    "sources that are none": Wrong(
        RIGHT[RIGHT.index("[sources.crm]") :],
        "[»sources]\ncrm = 5\n",
        "sources.crm",
        "must be a table",
        "[section]",
    ),
}

UNMARKED = {
    "sources that are none": (11, 7),
    "a key that is missing": (16, 22),
    "a base URL that is missing": (10, 10),
    "a schedule that is missing": (16, 22),
    "no way to page": (16, 22),
    "since without its table": (19, 20),
    "a since that is never sent": (25, 1),
    "an offset that is never sent": (26, 1),
    "a page size that is never sent": (26, 34),
    "a cursor that nothing names": (26, 1),
    "a pager without a type": (26, 1),
    "a table in the query": (19, 12),
}
"""Places of problems that a mark cannot show, because what is wrong is not in the line that was changed."""


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_setting_is_named_with_its_place_and_the_fix(name: str, tmp_path: Path) -> None:
    wrong = WRONG[name]
    text = changed(wrong.old, wrong.new)

    problems = problems_of(text, tmp_path).problems

    problem = next((each for each in problems if each.key == wrong.key), problems[0])
    assert problem.key == wrong.key
    assert wrong.message in problem.message
    assert problem.hint is not None
    assert wrong.hint in problem.hint
    assert problem.file == str(tmp_path / "settings.toml")
    expected = UNMARKED[name] if name in UNMARKED else marked_place(text)
    assert (problem.line, problem.column) == expected


def test_the_file_that_is_made_wrong_is_right(tmp_path: Path) -> None:
    problems = None

    try:
        problems_of(RIGHT, tmp_path)
    except AssertionError as right:
        problems = str(right)

    assert problems == "these settings were taken for right"


@pytest.mark.parametrize("name", WRONG)
def test_one_mistake_is_one_problem(name: str, tmp_path: Path) -> None:
    wrong = WRONG[name]
    consequences = {
        "an order without a position": 2,  # since needs updated_at as well
        "a cursor that nothing names": 1,
        "a raw position behind an open bound": 1,
    }

    problems = problems_of(changed(wrong.old, wrong.new), tmp_path).problems

    assert len(problems) == consequences.get(name, 1), [str(each) for each in problems]
