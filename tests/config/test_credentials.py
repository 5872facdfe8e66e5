"""Every way to say who asks as it is written, and secrets that are written where others may read them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from poller.auth.basic import Basic
from poller.auth.login import Login
from poller.auth.oauth2_client_credentials import ClientCredentials
from poller.config import Settings, SettingsProblems, load
from poller.config.render import render_problem
from poller.core.model import Auth, Secret
from poller.core.path import Header
from poller.core.path import Path as JsonPath
from poller.core.tokens import TokenAuth
from tests.config.written import RIGHT, settings_of

SECRET = "hunter2-0123456789"
BEARER = 'auth = { type = "bearer", token = "env:CRM_TOKEN" }'


def with_auth(text: str) -> str:
    """The right file with other credentials."""
    assert BEARER in RIGHT
    return RIGHT.replace(BEARER, f"auth = {text}")


def auth_of(text: str, folder: Path) -> Auth | TokenAuth | None:
    return settings_of(with_auth(text), folder).sources[0].auth


def loaded(text: str, folder: Path, mode: int, environ: dict[str, str] | None = None) -> Settings:
    """``text`` as a settings file of that mode."""
    file = folder / "settings.toml"
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    return load(file, environ or {})


def test_a_user_name_may_be_written_out_or_referred_to(tmp_path: Path) -> None:
    plain = '{ type = "basic", username = "me", password = "env:P" }'
    referring = '{ type = "basic", username = "file:/u", password = "env:P" }'

    assert auth_of(plain, tmp_path) == Basic(username="me", password=Secret("env:P"))
    assert auth_of(referring, tmp_path) == Basic(username=Secret("file:/u"), password=Secret("env:P"))
    assert settings_of(with_auth(plain), tmp_path).warnings == ()


def test_client_credentials_are_read_as_they_are_written(tmp_path: Path) -> None:
    url = "https://id.example/tenant/oauth2/token/?p=policy"

    read = auth_of(
        f'{{ type = "oauth2_client_credentials", token_url = "{url}", client_id = "me",'
        ' client_secret = "env:S", scope = "a b", audience = "https://x", auth_style = "body" }',
        tmp_path,
    )

    assert read == ClientCredentials(
        token_url=url,
        client_id="me",
        client_secret=Secret("env:S"),
        scope="a b",
        audience="https://x",
        auth_style="body",
    )


def test_a_login_is_read_with_a_secret_wherever_one_is_referred_to_or_named(tmp_path: Path) -> None:
    read = auth_of(
        '{ type = "login", path = "/login", token = "header:X-Token", lifetime = "60s", header = "X-Auth",'
        f' prefix = "", body = {{ user = "me", userPassword = "{SECRET}", n = 1, pin = "", deep ='
        ' [{ code = "env:CODE", flag = true, rate = 1.5 }] } }',
        tmp_path,
    )

    assert read == Login(
        path="/login",
        token=Header("X-Token"),
        lifetime=timedelta(seconds=60),
        header="X-Auth",
        prefix="",
        body={
            "user": "me",
            "userPassword": Secret(SECRET),
            "n": 1,
            "pin": "",
            "deep": [{"code": Secret("env:CODE"), "flag": True, "rate": 1.5}],
        },
    )
    assert SECRET not in repr(read)


def test_a_login_says_what_it_is_by_default(tmp_path: Path) -> None:
    read = auth_of(
        '{ type = "login", path = "/in", body = { p = "env:P" }, token = "t", expires = "e" }', tmp_path
    )

    assert isinstance(read, Login)
    assert (read.method, read.header, read.prefix, read.lifetime) == (
        "POST",
        "Authorization",
        "Bearer ",
        None,
    )
    assert read.expires == JsonPath("e")


def test_a_streams_headers_may_carry_secrets_of_its_own(tmp_path: Path) -> None:
    headers = 'headers = { X-Partner = "env:PARTNER", X-Api-Key = "' + SECRET + '", Page-Token = "{cursor}",'
    text = RIGHT.replace("records =", headers + ' Accept = "a/b" }\nrecords =').replace(
        'type = "offset"', 'type = "cursor", next = "next"'
    )
    text = text.replace(', offset = "{offset}"', "")

    settings = settings_of(text, tmp_path)

    stream = settings.streams[0]
    assert stream.secret_headers == (("X-Partner", Secret("env:PARTNER")), ("X-Api-Key", Secret(SECRET)))
    assert stream.template.headers == (("Page-Token", "{cursor}"), ("Accept", "a/b"))
    assert len(settings.warnings) == 1
    assert SECRET not in repr(settings)


LITERALS = {
    "sources.crm.auth.token": RIGHT.replace("env:CRM_TOKEN", SECRET),
    "sources.crm.auth.password": with_auth(f'{{ type = "basic", username = "me", password = "{SECRET}" }}'),
    "sources.crm.auth.body.deep[0].password": with_auth(
        f'{{ type = "login", path = "/l", token = "t", body = {{ deep = [{{ password = "{SECRET}" }}] }} }}'
    ),
    "sources.crm.headers.X-Api-Key": RIGHT.replace(
        "timeout", f'headers = {{ X-Api-Key = "{SECRET}" }}\ntimeout'
    ),
    "sources.crm.streams.issues.headers.Authorization": RIGHT.replace(
        "records", f'headers = {{ Authorization = "{SECRET}" }}\nrecords'
    ),
}
"""Where a secret is written out → the file."""


@pytest.mark.parametrize("key", LITERALS)
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o620])
def test_a_secret_in_a_file_that_others_may_read_is_refused(key: str, mode: int, tmp_path: Path) -> None:
    text = LITERALS[key]

    with pytest.raises(SettingsProblems) as caught:
        loaded(text, tmp_path, mode)

    (problem,) = caught.value.problems
    line = text.splitlines()[(problem.line or 0) - 1]
    assert problem.key == key
    assert line[(problem.column or 0) - 1 :].startswith(f'"{SECRET}"')
    assert f"chmod 600 {tmp_path}/settings.toml" in (problem.hint or "")
    assert "env:NAME" in (problem.hint or "")
    assert SECRET not in f"{problem} {problem.hint} {render_problem(problem, text)}"


@pytest.mark.parametrize("key", LITERALS)
def test_a_secret_in_a_file_of_its_owner_alone_is_warned_of(key: str, tmp_path: Path) -> None:
    settings = loaded(LITERALS[key], tmp_path, 0o600)

    (warning,) = settings.warnings
    assert f"{key}: a secret is written into the file" in warning
    assert SECRET not in warning


def test_a_file_that_all_may_read_is_fine_without_secrets(tmp_path: Path) -> None:
    assert loaded(RIGHT, tmp_path, 0o644).warnings == ()


def test_a_secret_that_comes_from_the_environment_stands_in_no_file(tmp_path: Path) -> None:
    environ = {"POLLER_SOURCES__CRM__AUTH__TOKEN": SECRET}

    settings = loaded(RIGHT, tmp_path, 0o644, environ)

    assert settings.warnings == ()


@pytest.mark.parametrize(
    ("base_url", "token_url", "about"),
    [
        ("http://crm.example", "https://id.example/t", ["base_url"]),
        ("https://crm.example", "http://id.example/t", ["auth.token_url"]),
        ("https://crm.example", "http://localhost:8080/t", []),
    ],
)
def test_tokens_over_plain_http_are_warned_about(
    base_url: str, token_url: str, about: list[str], tmp_path: Path
) -> None:
    text = with_auth(
        f'{{ type = "oauth2_client_credentials", token_url = "{token_url}", client_id = "me",'
        ' client_secret = "env:S" }'
    ).replace("https://crm.example", base_url)

    warnings = settings_of(text, tmp_path).warnings

    assert [
        f"sources.crm.{key}: credentials go" in each for key, each in zip(about, warnings, strict=True)
    ] == [True for _ in about]


def test_a_streams_secret_over_plain_http_is_warned_about(tmp_path: Path) -> None:
    text = with_auth('{ type = "none" }').replace("https://crm.example", "http://crm.example")

    plain = settings_of(text, tmp_path).warnings
    secret = settings_of(
        text.replace("records", 'headers = { X-Partner = "env:P" }\nrecords'), tmp_path
    ).warnings

    assert plain == ()
    assert len(secret) == 1
