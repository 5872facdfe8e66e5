"""Each wrong setting is one screen of the command line: its place and line, a way out, and exit 2."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import NamedTuple

import pytest

from poller.cli import call
from tests.config.written import MARK, RIGHT, marked_place

ORDERED = 'order = "asc"\nschedule = "5m"\nsince = { format = "rfc3339", lookback = "2m" }'
AUTH = 'auth = { type = "bearer", token = "env:CRM_TOKEN" }'
SINCE = 'since = { format = "rfc3339", lookback = "2m" }'
PAGE = 'page = { type = "offset", size = 100 }'
PARAMS = 'params = { after = "{since}", offset = "{offset}", limit = "{size}" }'
SECOND = """
[sources.crm.streams.notes]
table = »"issues"
path = "/notes"
params = { after = "{since}", offset = "{offset}" }
records = "items"
key = "id"
updated_at = "updated"
order = "asc"
schedule = "5m"
since = { format = "rfc3339" }
page = { type = "offset" }
"""


LINES, COLUMNS = 24, 100


class Wrong(NamedTuple):
    """``old`` becomes ``new``, in which a mark stands where the message has to point."""

    old: str
    new: str
    says: str
    hint: str
    mode: int = 0o600


WRONG = {
    "an unknown key": Wrong("timeout =", "»timeuot =", "unknown key", 'did you mean "timeout"?'),
    "an unknown section": Wrong("[daemon]", "[»demon]", "unknown key", 'did you mean "daemon"?'),
    "a wrong type": Wrong("workers = 8", 'workers = »"eight"', "must be a whole number", "without quotes"),
    "a number that is too small": Wrong("workers = 8", "workers = »0", "out of range", "at least 1"),
    "a bad duration": Wrong('"30s"', '»"30"', "has no unit", "30s"),
    "a bad rate": Wrong('"1000/minute"', '»"1000 per minute"', "not a rate", "1000/minute"),
    "no base URL": Wrong('base_url = "https://crm.example"', "", "is missing", "add base_url"),
    "a base URL without a scheme": Wrong('"https://crm.example"', '»"crm.example"', "http", "https://"),
    "a missing secret": Wrong(', token = "env:CRM_TOKEN"', "", "is missing", "token ="),
    "a secret that refers to nothing": Wrong('"env:CRM_TOKEN"', '»"env:"', "refers to nothing", "env:NAME"),
    "a secret of an unknown place": Wrong('"env:CRM_TOKEN"', '»"evn:CRM_TOKEN"', "unknown place", "env:"),
    "a literal secret that all may read": Wrong(
        '"env:CRM_TOKEN"', '»"hunter2-hunter2"', "others may read", "chmod 600", mode=0o644
    ),
    "an unknown placeholder": Wrong('"{since}"', '»"{sinc}"', "no placeholder", 'did you mean "since"?'),
    "a brace too few": Wrong('"{since}"', '»"{since"', "brace", "write {since}"),
    "a table that two streams share": Wrong(PAGE + "\n", PAGE + "\n" + SECOND, "issues", "table ="),
    "a bad JMESPath": Wrong('"items"', '»"items[?"', "not a JMESPath", "https://jmespath.org"),
    "a cron expression of six fields": Wrong('"5m"', '»"0 */5 * * * *"', "has 6 fields", "write five"),
    "an unknown zone": Wrong(
        '"5m"', '"0 5 * * *"\ntimezone = »"Europe/Olso"', "unknown time zone", "Europe/Oslo"
    ),
    "a since that nothing writes": Wrong(
        '"rfc3339"', '»"rfc-3339"', "there is no format", 'did you mean "rfc3339"?'
    ),
    "a since without its table": Wrong(SINCE, "", "no since", "add since ="),
    "a token without its source": Wrong(
        ORDERED, 'schedule = "5m"\n»since = { kind = "token" }', "nothing says where", "add token"
    ),
    "a lookback behind a token": Wrong(
        ORDERED,
        'schedule = "5m"\nsince = { kind = "token", token = "seq", »lookback = "2m" }',
        "opaque token",
        "remove it",
    ),
    "a duration behind a number": Wrong(
        SINCE, 'since = { kind = "integer", lookback = »"2m" }', "duration", "lookback = 100"
    ),
    "a pager that does not exist": Wrong(
        '"offset", size', '»"ofset", size', "ofset", 'did you mean "offset"?'
    ),
    "an option of another pager": Wrong(
        "size = 100 }", 'size = 100, »next = "next" }', "unknown key", "known here"
    ),
    "a cursor that nothing names": Wrong(PAGE, 'page = { type = "cursor" }', "next", "page"),
    "an offset that is never sent": Wrong('offset = "{offset}", ', "", "page", "{offset}"),
    "a feed of an unknown stream": Wrong(
        PAGE, PAGE + '\ndeletes = { mode = "feed", stream = »"deleted", key = "id" }', "deleted", "stream"
    ),
    "a flag of no expression": Wrong(
        PAGE, PAGE + '\ndeletes = { mode = "flag" }', "flag: is missing", "add flag ="
    ),
    "a grant without a token URL": Wrong(
        AUTH,
        'auth = { type = "oauth2_client_credentials", client_id = "a", client_secret = "env:S" }',
        "token_url",
        "token_url",
    ),
    "a login on another host": Wrong(
        AUTH,
        '»auth = { type = "login", path = "https://id.example/in", body = { p = "env:P" }, token = "t" }',
        "path below base_url",
        "/auth/login",
    ),
    "a user name with a colon": Wrong(
        AUTH, '»auth = { type = "basic", username = "a:b", password = "env:P" }', "colon", "before it"
    ),
    "TOML that is none": Wrong("workers = 8", "workers = »= 8", "not valid TOML", "toml.io"),
    "a key that stands twice": Wrong(
        "workers = 8", "workers = 8\n»workers = 9", "stands twice", "remove one"
    ),
}


@pytest.fixture
def shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[Wrong, str], tuple[int, str]]:
    """The exit code and the screen of a command under wrong settings."""

    def run(wrong: Wrong, command: str) -> tuple[int, str]:
        settings = tmp_path / "settings.toml"
        settings.write_text(_text(wrong).replace(MARK, ""))
        settings.chmod(wrong.mode)
        with chdir(tmp_path):
            code = call([command])
        screen = capsys.readouterr()
        assert screen.out == ""
        return code, screen.err

    return run


def test_there_are_twenty_at_least() -> None:
    assert len(WRONG) >= 20


@pytest.mark.parametrize("command", ["once", "check"])
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_wrong_setting_is_one_screen_with_its_place_and_a_way_out(
    shown: Callable[[Wrong, str], tuple[int, str]], wrong: Wrong, command: str
) -> None:
    code, screen = shown(wrong, command)

    lines = screen.splitlines()
    assert code == 2, screen
    # Messages are folded by the terminal, at any width, so that a command in a hint can be copied whole.
    assert sum(-(-len(each) // COLUMNS) for each in lines) <= LINES, screen
    assert max(len(each) for each in lines if " | " in each) <= COLUMNS, screen
    place = re.search(r"settings\.toml:(\d+):(\d+)", screen)
    assert place is not None, screen
    line, column = int(place[1]), int(place[2])
    if MARK in wrong.new:
        assert (line, column) == marked_place(_text(wrong)), screen
    quoted = _text(wrong).replace(MARK, "").splitlines()[line - 1].strip()
    assert quoted[:20] in screen, screen  # what can be a secret is masked
    assert "^" in screen, screen
    assert wrong.says in " ".join(screen.split()), screen
    assert "hint: " in screen, screen
    assert wrong.hint in " ".join(screen.split()), screen
    assert "hunter2" not in screen
    assert screen.count("error: ") == 1, screen


def _text(wrong: Wrong) -> str:
    assert RIGHT.count(wrong.old) == 1, f"{wrong.old!r} stands {RIGHT.count(wrong.old)} times in the file"
    return RIGHT.replace(wrong.old, wrong.new)
