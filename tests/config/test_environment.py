"""The environment lies over the file, and what is wrong with it is said by the variable's name."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from poller.auth.bearer import Bearer
from poller.config import SettingsProblems, load
from poller.core.model import Window
from tests.config.written import RIGHT, problems_of, settings_of

STREAM = "POLLER_SOURCES__CRM__STREAMS__ISSUES"


def test_a_variable_beats_the_file(tmp_path: Path) -> None:
    environ = {
        "POLLER_DATABASE__URL": "sqlite:///other.db",
        "POLLER_DAEMON__WORKERS": "3",
        "POLLER_DAEMON__SPREAD": "false",
        "POLLER_SOURCES__CRM__BASE_URL": "http://127.0.0.1:9",
        "POLLER_SOURCES__CRM__TIMEOUT": "5s",
    }

    settings = settings_of(RIGHT, tmp_path, environ)

    assert settings.database_url == "sqlite:///other.db"
    assert (settings.daemon.workers, settings.daemon.spread) == (3, False)
    assert settings.sources[0].base_url == "http://127.0.0.1:9"
    assert settings.streams[0].timeout == timedelta(seconds=5)


def test_a_variable_reaches_the_options_of_a_pager_and_leaves_its_other_options(tmp_path: Path) -> None:
    settings = settings_of(
        RIGHT, tmp_path, {f"{STREAM}__PAGE__SIZE": "7", f"{STREAM}__SINCE__LOOKBACK": "9m"}
    )

    stream = settings.streams[0]

    assert stream.pager.size == 7
    assert stream.since is not None
    assert stream.since.lookback == timedelta(minutes=9)
    assert stream.since.how.format == "rfc3339"


def test_a_variable_holds_lists_and_tables_as_json(tmp_path: Path) -> None:
    environ = {
        "POLLER_SOURCES__CRM__RATE_LIMIT": '["2/second", "50/minute"]',
        f"{STREAM}__PAGE": '{"type": "next_url", "next": "meta.next"}',
        f"{STREAM}__PARAMS": '{"after": "{since}", "offset": 0}',
        f"{STREAM}__KEY": '["account", "id"]',
    }

    settings = settings_of(RIGHT, tmp_path, environ)

    assert settings.sources[0].rate_limit == (
        Window(2, timedelta(seconds=1)),
        Window(50, timedelta(minutes=1)),
    )
    assert type(settings.streams[0].pager).__name__ == "NextUrl"
    assert dict(settings.streams[0].template.params) == {"after": "{since}", "offset": 0, "limit": "{size}"}
    assert [path.text for path in settings.streams[0].key] == ["account", "id"]


def test_a_plain_rate_needs_no_json(tmp_path: Path) -> None:
    settings = settings_of(RIGHT, tmp_path, {"POLLER_SOURCES__CRM__RATE_LIMIT": "2/second"})

    assert settings.sources[0].rate_limit == (Window(2, timedelta(seconds=1)),)


def test_names_in_variables_are_compared_without_case_and_an_underscore_stands_for_a_hyphen(
    tmp_path: Path,
) -> None:
    text = RIGHT.replace("sources.crm", "sources.My-CRM")

    settings = settings_of(text, tmp_path, {"POLLER_SOURCES__MY_CRM__CONCURRENCY": "2"})

    assert [(source.name, source.concurrency) for source in settings.sources] == [("My-CRM", 2)]


def test_a_key_of_digits_in_a_variable_keeps_its_zeros_and_needs_no_warning(tmp_path: Path) -> None:
    settings = settings_of(RIGHT, tmp_path, {"POLLER_SOURCES__CRM__AUTH__TOKEN": "0071e5"})

    auth = settings.sources[0].auth

    assert isinstance(auth, Bearer)
    assert list(auth.headers(lambda secret: secret.reference)) == [("Authorization", "Bearer 0071e5")]
    assert settings.warnings == ()


def test_a_parameter_keeps_the_type_that_the_file_gave_it(tmp_path: Path) -> None:
    text = RIGHT.replace('method = "GET"', "").replace(
        'records = "items"', 'records = "items"\nmethod = "POST"\nbody = { deep = 5, name = "5" }'
    )

    settings = settings_of(text, tmp_path, {f"{STREAM}__BODY__DEEP": "6", f"{STREAM}__BODY__NAME": "6"})

    assert settings.streams[0].template.body == {"deep": 6, "name": "6"}


@pytest.mark.parametrize(
    ("variable", "value", "key", "message", "hint"),
    [
        ("POLLER_DAEMON__WORKERS", "many", "daemon.workers", "must be a whole number", "at least 1"),
        ("POLLER_DAEMON__WROKERS", "3", "daemon.wrokers", "unknown key", 'did you mean "workers"?'),
        ("POLLER_SOURCES__CRM__TIMEOUT", "30", "sources.crm.timeout", "has no unit", "30s"),
        ("POLLER_SOURCES__CRM__RATE_LIMIT", "[1", "sources.crm.rate_limit", "is not a rate", "1000/minute"),
        (f"{STREAM}__PAGE__SIZE", "0", "sources.crm.streams.issues.page.size", "out of range", "at least 1"),
        (f"{STREAM}__PAGE", "offset", "sources.crm.streams.issues.page", "must be a table", "{ key = value"),
        ("POLLER_SOURCES__OTHER__TIMEOUT", "5s", "sources.other.base_url", "is missing", "add base_url"),
    ],
)
def test_a_wrong_variable_is_named(
    variable: str, value: str, key: str, message: str, hint: str, tmp_path: Path
) -> None:
    problems = problems_of(RIGHT, tmp_path, {variable: value}).problems

    assert [each.key for each in problems] == [key]
    assert message in problems[0].message
    assert f"(from the environment variable {variable})" in problems[0].message
    assert hint in (problems[0].hint or "")
    assert (problems[0].file, problems[0].line) == (None, None)


@pytest.mark.parametrize(
    ("variable", "message", "hint"),
    [
        ("POLLER_DATABSE__URL", "POLLER_DATABSE__URL names no section", "POLLER_DATABASE__…"),
        ("POLLER_DATABASE_URL", "POLLER_DATABASE_URL is not read", "two underscores: POLLER_DATABASE__URL"),
    ],
)
def test_a_variable_that_nobody_would_read_is_a_problem(
    variable: str, message: str, hint: str, tmp_path: Path
) -> None:
    problems = problems_of(RIGHT, tmp_path, {variable: "x"}).problems

    assert len(problems) == 1
    assert message in problems[0].message
    assert hint in (problems[0].hint or "")


def test_variables_that_only_begin_alike_are_left_alone(tmp_path: Path) -> None:
    environ = {
        "POLLER_DATABASE_SERVICE_HOST": "10.0.0.1",
        "POLLER_TEST_SEED": "1",
        "POLLER": "x",
        "PATH": "/bin",
    }

    settings = settings_of(RIGHT, tmp_path, environ)

    assert settings.database_url == "sqlite:///mirror.db"


def test_the_file_is_the_given_one_else_the_one_of_the_environment(tmp_path: Path) -> None:
    given, named = tmp_path / "given.toml", tmp_path / "named.toml"
    given.write_text(RIGHT.replace("mirror.db", "given.db"))
    named.write_text(RIGHT.replace("mirror.db", "named.db"))
    environ = {"POLLER_CONFIG": str(named)}

    by_path, by_variable = load(given, environ), load(None, environ)

    assert (by_path.database_url, by_path.path) == ("sqlite:///given.db", given)
    assert (by_variable.database_url, by_variable.path) == ("sqlite:///named.db", named)


def test_without_either_it_is_the_one_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "settings.toml").write_text(RIGHT)
    monkeypatch.chdir(tmp_path)

    settings = load(None, {"POLLER_CONFIG": ""})

    assert settings.path == Path("settings.toml")


def test_a_file_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsProblems, match="there is no such file") as caught:
        load(tmp_path / "absent.toml", {})

    assert "poller init" in (caught.value.hint or "")
    assert caught.value.file == str(tmp_path / "absent.toml")


def test_a_folder_in_place_of_a_file_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(SettingsProblems, match="cannot be read: Is a directory"):
        load(tmp_path, {})
