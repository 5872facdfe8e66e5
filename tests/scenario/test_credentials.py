"""A token that ends, a secret that is rotated, and what of both is in the database: nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from poller.core.errors import Category
from tests.http.world import Asked, Server, reply
from tests.scenario.conftest import OpenWorld
from tests.scenario.world import Rewritten, World, fill

SECRET = "cl1ent-s3cret+of=ours"


class Issuer:
    """A token endpoint on a host of its own; the API of ``world`` takes its newest token alone."""

    def __init__(self) -> None:
        self.issued = 0
        self.world: World | None = None
        self.server = Server(self._answer)

    @property
    def auth(self) -> dict[str, str]:
        return {
            "type": "oauth2_client_credentials",
            "token_url": f"{self.server.origin}/token",
            "client_id": "poller",
            "client_secret": SECRET,
        }

    def revoke(self) -> None:
        """The API takes no token that was issued so far."""
        assert self.world is not None
        self.world.source.credential = ("authorization", "Bearer of nobody")

    def _answer(self, asked: Asked, connection: object) -> None:
        assert self.world is not None
        self.issued += 1
        token = f"t0ken-{self.issued}-of-ours"
        self.world.source.credential = ("authorization", f"Bearer {token}")
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": 3600}
        connection.sendall(reply(200, json.dumps(answer).encode()))  # type: ignore[attr-defined]


@contextmanager
def issuing(open_world: OpenWorld) -> Iterator[tuple[Issuer, World]]:
    """A world whose API asks for tokens, with 60 rows."""
    issuer = Issuer()
    try:
        world = open_world({"paging": "offset"}, source={"auth": issuer.auth})
        issuer.world = world
        issuer.revoke()
        fill(world.model, 60)
        yield issuer, world
    finally:
        issuer.server.close()


def test_a_token_that_ends_in_the_middle_of_a_scan_is_renewed_once_and_the_scan_goes_on(
    open_world: OpenWorld,
) -> None:
    with issuing(open_world) as (issuer, world):
        world.source.fault(4, Rewritten(lambda _: issuer.revoke()))

        report = world.poll()

        assert world.mirror() == world.source.truth()
        assert issuer.issued == 2
        statuses = [status for (status,) in world.rows("SELECT status FROM poller_requests ORDER BY id")]
        assert statuses.count(401) == 1
        assert report.rows >= 60


def test_a_restart_polls_on_with_the_token_it_has(open_world: OpenWorld) -> None:
    with issuing(open_world) as (issuer, world):
        world.poll()
        world.restart()

        world.quiet_poll()

        assert issuer.issued == 1


def test_a_token_that_the_api_never_takes_fails_the_run_and_moves_nothing(open_world: OpenWorld) -> None:
    with issuing(open_world) as (issuer, world):
        world.poll()
        before = world.watermark()
        issuer.revoke()
        issuer.world = open_world({})  # from now on its tokens are good for another API
        world.pass_time(1)

        report = world.failing_poll()

        assert report.category is Category.AUTHENTICATION
        assert "401" in (report.error or "")
        assert world.watermark() == before


def test_no_secret_and_no_token_is_in_any_file_but_the_token_file(
    open_world: OpenWorld, tmp_path: Path
) -> None:
    with issuing(open_world) as (issuer, world):
        world.source.fault(4, Rewritten(lambda _: issuer.revoke()))
        world.poll()
        issuer.revoke()
        world.any_poll()

        files = [file for file in tmp_path.rglob("*") if file.is_file()]
        holding = {
            file.suffix
            for file in files
            if any(f"t0ken-{number}-of-ours".encode() in file.read_bytes() for number in range(1, 5))
        }

        assert len(files) >= 4
        assert holding == {".json"}
        assert [file.name for file in files if SECRET.encode() in file.read_bytes()] == ["settings.toml"]


def test_a_secret_file_that_was_rotated_is_read_again_in_the_middle_of_a_scan(
    open_world: OpenWorld, tmp_path: Path
) -> None:
    kept = tmp_path / "key"
    kept.write_text("old-key-of-ours\n")
    world = open_world(
        {"paging": "offset"},
        headers={"X-Partner": f"file:{kept}"},
    )
    world.source.credential = ("x-partner", "old-key-of-ours")
    fill(world.model, 60)

    def rotate(_page: object) -> None:
        kept.write_text("new-key-of-ours\n")
        world.source.credential = ("x-partner", "new-key-of-ours")

    world.source.fault(4, Rewritten(rotate))

    world.poll()

    assert world.mirror() == world.source.truth()


@pytest.mark.parametrize("reloaded", [False, True])
def test_a_reload_reads_secrets_again(open_world: OpenWorld, tmp_path: Path, *, reloaded: bool) -> None:
    kept = tmp_path / "key"
    kept.write_text("old-key-of-ours")
    world = open_world({}, source={"auth": {"type": "api_key", "value": f"file:{kept}"}})
    world.source.credential = ("x-api-key", "old-key-of-ours")
    fill(world.model, 20)
    world.poll()
    kept.write_text("new-key-of-ours")
    world.source.credential = ("x-api-key", "new-key-of-ours")
    if reloaded:
        world.house.voice("api").reread_credentials()  # type: ignore[attr-defined]

    world.quiet_poll()

    statuses = [status for (status,) in world.rows("SELECT status FROM poller_requests ORDER BY id")]
    assert (401 in statuses) is not reloaded
