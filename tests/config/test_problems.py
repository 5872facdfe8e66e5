"""All problems of a file come at once, in order, drawn with a caret, and never with a secret."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from poller.config import SettingsProblems, render_problem
from poller.core.errors import SettingsError
from tests.config.written import RIGHT, changed, problems_of, settings_of

STREAM = "sources.crm.streams.issues"


def test_all_problems_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = (
        RIGHT.replace("workers = 8", "workers = 0")
        .replace('timeout = "30s"', 'timeout = "never"')
        .replace('schedule = "5m"', 'schedule = "5 minutes"')
        .replace('type = "offset"', 'type = "ofset"')
        + '\n[sources.crm.streams.other]\npath = "/other"\nkey = 5\nschedule = "1m"\n'
        + 'page = { type = "offset" }\n'
        + '\n[sources.erp]\nbase_url = "erp"\nstreams.a = { path = "b", key = "id", schedule = "1m",'
        + ' params = { o = "{offset}" }, page = { type = "offset" } }\n'
    )

    problems = problems_of(text, tmp_path).problems

    assert [each.key for each in problems] == [
        "daemon.workers",
        "sources.crm.timeout",
        f"{STREAM}.schedule",
        f"{STREAM}.page.type",
        "sources.crm.streams.other.key",
        "sources.erp.base_url",
        "sources.erp.streams.a.path",
    ]
    lines = [each.line or 0 for each in problems]
    assert lines == sorted(lines)


def test_the_error_itself_reads_as_all_of_its_problems(tmp_path: Path) -> None:
    text = RIGHT.replace("workers = 8", "workers = 0").replace('"90d"', '"90"')

    error = problems_of(text, tmp_path)

    file = tmp_path / "settings.toml"
    assert str(error).splitlines() == [
        f"{file}:5:11: daemon.workers: 0 is out of range",
        f"{file}:8:8: retention.runs: '90' is not a duration; '90' has no unit",
    ]
    assert isinstance(error, SettingsError)
    assert (error.line, error.key) == (5, "daemon.workers")


def test_a_problem_is_drawn_with_its_line_a_caret_and_a_hint(tmp_path: Path) -> None:
    text = changed("workers = 8", "\tworkers = 0  # too few")

    drawn = render_problem(problems_of(text, tmp_path).problems[0], text)

    assert drawn.splitlines() == [
        f"{tmp_path / 'settings.toml'}:5:12: daemon.workers: 0 is out of range",
        "  5 | \tworkers = 0  # too few",
        "    | \t          ^",
        "hint: write a number at least 1",
    ]


def test_a_problem_without_a_place_is_drawn_without_a_line(tmp_path: Path) -> None:
    problem = problems_of(RIGHT, tmp_path, {"POLLER_DAEMON__WORKERS": "0"}).problems[0]

    drawn = render_problem(problem, RIGHT)

    assert drawn.splitlines() == [
        "daemon.workers: 0 is out of range (from the environment variable POLLER_DAEMON__WORKERS)",
        "hint: write a number at least 1",
    ]


def test_a_problem_of_a_file_that_has_shrunk_since_is_drawn_without_a_line() -> None:
    problem = SettingsError("wrong", file="settings.toml", line=9, column=1, key="a")

    assert render_problem(problem, "a = 1\n") == "settings.toml:9:1: a: wrong"


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('[database]\nurl = "sqlite\n', 2, 14),
        ("a = 1\nb =\n", 2, 4),
        ("[a\n", 1, 3),
        ('a = """\n\n', 1, 8),
        ("a = [1,", 1, 8),
    ],
)
def test_what_is_no_toml_is_a_problem_with_a_place(text: str, line: int, column: int, tmp_path: Path) -> None:
    problem = problems_of(text, tmp_path)

    assert "not valid TOML" in problem.message
    assert (problem.line, problem.column) == (line, column)
    assert "double quotes" in (problem.hint or "")


@pytest.mark.parametrize(
    ("text", "shown", "caret"),
    [
        ("workers = = 5", "workers = = 5", "          ^"),
        (f'token = "{"x" * 9}', "token = …", "       ^"),
        (f'a = "{"x" * 9}" "{"x" * 9}"', 'a = "…" "…"', "        ^"),
    ],
)
def test_a_line_that_is_no_toml_is_drawn_without_what_may_be_a_secret(
    text: str, shown: str, caret: str, tmp_path: Path
) -> None:
    drawn = render_problem(problems_of(text, tmp_path), text).splitlines()

    assert drawn[1:3] == [f"  1 | {shown}", f"    | {caret}"]


def test_what_is_no_utf_8_is_a_problem_with_a_place(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_bytes("[database]\nurl = 'æ".encode() + b"\xe6'\n")

    with pytest.raises(SettingsProblems, match="is not UTF-8 here") as caught:
        settings_of_file(file)

    assert (caught.value.line, caught.value.column) == (2, 9)


def settings_of_file(file: Path) -> None:
    from poller.config import load  # noqa: PLC0415 (the one test that writes bytes)

    load(file, {})


def test_windows_files_with_a_byte_order_mark_are_read_and_located_as_others(tmp_path: Path) -> None:
    text = changed("workers = 8", "workers = 0").replace("\n", "\r\n")
    file = tmp_path / "settings.toml"
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())

    with pytest.raises(SettingsProblems) as caught:
        settings_of_file(file)

    assert (caught.value.line, caught.value.column) == (5, 11)


SECRET = "hunter2-0123456789"
LITERAL = RIGHT.replace("env:CRM_TOKEN", SECRET)


@pytest.mark.parametrize(
    "text",
    [
        LITERAL.replace("token =", "tokn ="),
        LITERAL.replace("token =", "token.x ="),
        LITERAL.replace('"bearer"', '"bearr"'),
        LITERAL.replace("timeout", f'headers = {{ "X Y" = "{SECRET}" }}\ntimeout'),
        LITERAL.replace("timeout", f'headers = {{ "X-Y" = "{SECRET}é" }}\ntimeout'),
        LITERAL.replace("auth = {", f'auth = "{SECRET}"\nauht = {{'),
        LITERAL.replace('token = "', 'token = ["').replace('" }', '"] }', 1),
        LITERAL.replace("https://crm", f"https://u:{SECRET}@crm"),
        LITERAL.replace(f'"{SECRET}"', f'"{SECRET}'),
        LITERAL.replace(f'"{SECRET}"', SECRET),
        RIGHT.replace('"sqlite:///mirror.db"', f'"postgresql://u:{SECRET}@h/db", x = 1'),
        RIGHT.replace('url = "sqlite:///mirror.db"', f'url = ["postgresql://u:{SECRET}@h/db"]'),
        RIGHT.replace('url = "sqlite', f'uri = "postgresql://u:{SECRET}@h/db"\nurl = "sqlite'),
        RIGHT.replace("records", f'headers = {{ Authorization = "{SECRET}", X = 1 }}\nrecords'),
        RIGHT.replace('"env:CRM_TOKEN"', f'"enf:{SECRET}"'),
    ],
)
def test_no_error_shows_a_secret(text: str, tmp_path: Path) -> None:
    error = problems_of(text, tmp_path)

    shown = [str(error), repr(error), *(render_problem(each, text) for each in error.problems)]
    shown += [each.hint or "" for each in error.problems] + traceback.format_exception(error)

    assert [each for each in shown if SECRET in each] == []


def test_a_line_with_a_secret_is_drawn_around_it(tmp_path: Path) -> None:
    text = LITERAL.replace("timeout =", "#").replace(f'"{SECRET}" }}', f'"{SECRET}", scope = "all" }}')

    drawn = render_problem(problems_of(text, tmp_path).problems[0], text)

    assert drawn.splitlines()[1:3] == [
        '  14 | auth = { type = "bearer", token = …, scope = … }',
        "     | " + " " * 37 + "^",
    ]


def test_a_secret_in_the_file_works_with_a_warning_that_does_not_show_it(tmp_path: Path) -> None:
    settings = settings_of(LITERAL, tmp_path)

    place = f"{tmp_path / 'settings.toml'}:14:35: sources.crm.auth.token"
    advice = "a secret is written into the file; refer to it as env:NAME or file:/path instead"
    assert settings.warnings == (f"{place}: {advice}",)
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings)


def test_a_secret_header_in_the_file_is_a_secret_too(tmp_path: Path) -> None:
    text = changed("timeout", f'headers = {{ X-Api-Key = "{SECRET}", Accept = "a/b" }}\ntimeout')

    settings = settings_of(text, tmp_path)

    assert SECRET not in repr(settings)
    assert ("Accept", "a/b") in settings.sources[0].headers
    assert len(settings.warnings) == 1


def test_a_database_password_is_not_shown(tmp_path: Path) -> None:
    settings = settings_of(RIGHT.replace("sqlite:///mirror.db", f"postgresql://u:{SECRET}@h/db"), tmp_path)

    assert SECRET not in repr(settings)
    assert SECRET in settings.database_url


def test_references_are_not_read_when_settings_are_loaded(tmp_path: Path) -> None:
    settings = settings_of(RIGHT.replace("env:CRM_TOKEN", "env:NOBODY_SET_THIS"), tmp_path)

    assert settings.warnings == ()


def test_credentials_over_plain_http_are_warned_about_except_on_this_machine(tmp_path: Path) -> None:
    far = settings_of(RIGHT.replace("https://crm.example", "http://crm.example"), tmp_path)
    near = settings_of(RIGHT.replace("https://crm.example", "http://127.0.0.1:8080"), tmp_path)

    assert ["unencrypted" in warning for warning in far.warnings] == [True]
    assert near.warnings == ()


def test_settings_without_a_stream_load_with_a_warning(tmp_path: Path) -> None:
    settings = settings_of('[database]\nurl = "sqlite:///a.db"\n', tmp_path)

    assert ["nothing will be polled" in warning for warning in settings.warnings] == [True]
