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
TIMED = 'order = "asc"\nschedule = "5m"\nsince = { format = "rfc3339", lookback = "2m" }'
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
    "a pager that is nearly one": Wrong(
        '"offset", size',
        '»"ofset", size',
        f"{STREAM}.page.type",
        "no page type 'ofset'",
        'did you mean "offset"?',
    ),
    "a pager without a type": Wrong(
        'type = "offset", ', "", f"{STREAM}.page", "type is missing", "known: cursor, key"
    ),
    "a pager that does not exist": Wrong(
        '"offset", size',
        '»"links", size',
        f"{STREAM}.page.type",
        "no page type 'links'",
        'did you mean "link"?',
    ),
    "a page number that nothing counts": Wrong(
        '"{since}"',
        '»"{since}{page}"',
        f"{STREAM}.params.after",
        "nothing fills {page}",
        "remove {page}",
    ),
    "a page number before the first": Wrong(
        '"offset", size',
        '"page", first = »-1, size',
        f"{STREAM}.page.first",
        "out of range",
        "at least 0",
    ),
    "a user name with a colon": Wrong(
        AUTH,
        '»auth = { type = "basic", username = "a:b", password = "env:P" }',
        "sources.crm.auth",
        "cannot hold a colon",
        "give the part before it",
    ),
    "a user name that was meant as a reference": Wrong(
        AUTH,
        'auth = { type = "basic", username = »"evn:USER", password = "env:P" }',
        "sources.crm.auth.username",
        "unknown place for secrets",
        '"env:…"',
    ),
    "a token URL that is a path": Wrong(
        AUTH,
        'auth = { type = "oauth2_client_credentials", token_url = »"/token", client_id = "c",'
        ' client_secret = "env:S" }',
        "sources.crm.auth.token_url",
        "is not a full http or https URL",
        "https://",
    ),
    "a token URL with a password": Wrong(
        AUTH,
        'auth = { type = "oauth2_client_credentials", token_url = »"https://u:hunter2@id.example/token",'
        ' client_id = "c", client_secret = "env:S" }',
        "sources.crm.auth.token_url",
        "which would end in logs",
        "use auth",
    ),
    "a token URL with a blank": Wrong(
        AUTH,
        'auth = { type = "oauth2_client_credentials", token_url = »"https://id.example/token?a= b",'
        ' client_id = "c", client_secret = "env:S" }',
        "sources.crm.auth.token_url",
        "is not a full http or https URL",
        "https://",
    ),
    "a style of authentication that does not exist": Wrong(
        AUTH,
        'auth = { type = "oauth2_client_credentials", token_url = "https://id.example/token",'
        ' client_id = "c", client_secret = "env:S", auth_style = »"basik" }',
        "sources.crm.auth.auth_style",
        "none of",
        'did you mean "basic"?',
    ),
    "a token that lives no time": Wrong(
        AUTH,
        'auth = { type = "login", path = "/in", body = { p = "env:P" }, token = "t", lifetime = »"0s" }',
        "sources.crm.auth.lifetime",
        "no time at all",
        "30s",
    ),
    "a life that is said twice": Wrong(
        AUTH,
        '»auth = { type = "login", path = "/in", body = { p = "env:P" }, token = "t", lifetime = "60s",'
        ' expires = "e" }',
        "sources.crm.auth",
        "contradict each other",
        "give one of them",
    ),
    "a login elsewhere": Wrong(
        AUTH,
        '»auth = { type = "login", path = "https://id.example/in", body = { p = "env:P" }, token = "t" }',
        "sources.crm.auth",
        "path below base_url",
        "/auth/login",
    ),
    "a login without a table": Wrong(
        AUTH,
        'auth = { type = "login", path = "/in", body = »"env:BODY", token = "t" }',
        "sources.crm.auth.body",
        "must be a table, not text",
        "{ key = value",
    ),
    "a login with a date": Wrong(
        AUTH,
        'auth = { type = "login", path = "/in", body = »{ since = [2024-01-01] }, token = "t" }',
        "sources.crm.auth.body",
        "a TOML date at since[0] cannot be sent",
        "quote it",
    ),
    "a login with a number that JSON does not have": Wrong(
        AUTH,
        'auth = { type = "login", path = "/in", body = »{ a = { b = nan } }, token = "t" }',
        "sources.crm.auth.body",
        "nan at a.b does not exist in JSON",
        "finite",
    ),
    "a login whose secret refers to nothing": Wrong(
        AUTH,
        'auth = { type = "login", path = "/in", body = { a = [{ b = »"env:" }] }, token = "t" }',
        "sources.crm.auth.body.a[0].b",
        "refers to nothing",
        "write env:NAME",
    ),
    "deletions of a later version": Wrong(
        PAGE,
        PAGE + '\ndeletes = { mode = »"sweep" }',
        f"{STREAM}.deletes.mode",
        "not supported yet",
        'mode = "none"',
    ),
    "a number that is moved back by a duration": Wrong(
        'format = "rfc3339", lookback = "2m"',
        'kind = "integer", lookback = »"2m"',
        f"{STREAM}.since.lookback",
        "cannot be moved back by a duration",
        "lookback = 100",
    ),
    "a time that is moved back by a number": Wrong(
        'lookback = "2m"',
        "lookback = »5",
        f"{STREAM}.since.lookback",
        "5 is no duration",
        'lookback = "5m"',
    ),
    "a number that begins with a time": Wrong(
        'format = "rfc3339", lookback = "2m"',
        'kind = "integer", start = »"2024-01-01"',
        f"{STREAM}.since.start",
        "is no whole number",
        "start = 0",
    ),
    "a token that nothing gives": Wrong(
        TIMED,
        'schedule = "5m"\n»since = { kind = "token" }',
        f"{STREAM}.since",
        "nothing says where a page gives its token",
        "add token",
    ),
    "a token that is looked back behind": Wrong(
        TIMED,
        'schedule = "5m"\nsince = { kind = "token", token = "t", »lookback = "2m" }',
        f"{STREAM}.since.lookback",
        "an opaque token",
        "remove it",
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
    "a placeholder in a reference": Wrong(
        "records",
        'headers = { Authorization = »"env:T{since}" }\nrecords',
        f"{STREAM}.headers.Authorization",
        "a placeholder cannot stand in a reference to a secret",
        "a header of its own",
    ),
    "a stream's secret that refers to nothing": Wrong(
        "records",
        'headers = { X-Partner = »"env:" }\nrecords',
        f"{STREAM}.headers.X-Partner",
        "refers to nothing",
        "write env:NAME",
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
        "lookback",
        'kind = »"date", lookback',
        f"{STREAM}.since.kind",
        "none of",
        '"timestamp", "integer", "token"',
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
    "a token of a time": Wrong(
        "lookback",
        '»token = "t", lookback',
        f"{STREAM}.since.token",
        "no meaning for a timestamp",
        "remove it",
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
        PAGE + '\ndeletes = { mode = »"flags", flag = "x" }',
        f"{STREAM}.deletes.mode",
        "no deletes mode",
        'did you mean "flag"?',
    ),
    "a flag that is missing": Wrong(
        PAGE, PAGE + '\n»deletes = { mode = "flag" }', f"{STREAM}.deletes.flag", "is missing", "flag"
    ),
    "a part that is more than the whole": Wrong(
        PAGE,
        PAGE + '\ndeletes = { mode = "none", max_ratio = »20 }',
        f"{STREAM}.deletes.max_ratio",
        "20 is no part of a whole",
        "0.2",
    ),
    "a feed of deletions that is no stream": Wrong(
        PAGE,
        PAGE + '\ndeletes = { mode = "feed", stream = »"issue", key = "id" }',
        f"{STREAM}.deletes.stream",
        "crm has no stream 'issue'",
        'did you mean "issues"?',
    ),
    "a feed of deletions that is the stream itself": Wrong(
        PAGE,
        PAGE + '\ndeletes = { mode = "feed", stream = »"issues", key = "id" }',
        f"{STREAM}.deletes.stream",
        "its own feed",
        'mode = "flag"',
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
