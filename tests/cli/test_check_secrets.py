"""``poller check`` looks at every secret that the settings refer to, wherever it stands."""

from __future__ import annotations

from tests.cli.world import Desk

LOGIN = (
    '{ type = "login", path = "/login", token = "t", body = { user = "me", deep = [{ p = "file:PLACE" }] } }'
)


def test_a_secret_inside_a_login_and_one_of_a_stream_are_looked_at(desk: Desk) -> None:
    kept = desk.folder / "password"
    kept.write_text("hunter2-is-long\n")
    desk.write_settings(auth=LOGIN.replace("PLACE", str(kept)))
    text = desk.config.read_text()
    desk.config.write_text(
        text.replace("\nkey = ", '\nheaders = { X-Partner = "file:/nowhere/at/all" }\nkey = ')
    )

    ran = desk.run("check", "--offline")

    said = ran.out + ran.err
    assert "the secret in auth.body.deep[0].p can be read" in said
    assert "the secret in streams.orders.headers.X-Partner cannot be read" in said
    assert "hunter2" not in said


def test_settings_with_a_secret_that_others_may_read_are_exit_2_with_the_line_and_the_command(
    desk: Desk,
) -> None:
    desk.write_settings(auth='{ type = "bearer", token = "a-secret-nobody-sees" }')
    desk.config.chmod(0o644)

    ran = desk.run("check", "--offline")

    assert ran.code == 2
    assert "settings.toml:" in ran.err
    assert f"chmod 600 {desk.config}" in ran.err
    assert "a-secret-nobody-sees" not in ran.out + ran.err
