"""The daemon as a container runs it: nothing but one folder can be written to."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.emulators.endpoint import Endpoint
from tests.emulators.scripted import Emulator

pytestmark = pytest.mark.wheel

SETTINGS = """\
[sources.shop]
base_url = "{base_url}"
auth = {{ type = "bearer", token = "file:{secret}" }}

[sources.shop.streams.orders]
path = "/rows"
params = {{ since = "{{since}}", limit = "{{size}}", offset = "{{offset}}" }}
records = "rows"
key = "id"
updated_at = "updated_at"
order = "asc"
schedule = "1s"
since = {{ lookback = "5s" }}
page = {{ type = "offset", size = 100 }}
"""
SEAL = """\
mount --make-rprivate / && mount --bind "$0" "$0" && mount -o remount,bind,ro / && cd "$0" && exec "$@"
"""
WRITTEN = {"mirror.db", "mirror.db-wal", "mirror.db-shm", ".poller"}


@dataclass(frozen=True, slots=True)
class Container:
    """``data`` is the volume; ``prefix`` makes everything else read-only, where the system lets us."""

    poller: Path
    data: Path
    config: Path
    prefix: tuple[str, ...]

    @property
    def environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.data),
            "PATH": f"{self.poller.parent}:/usr/bin:/bin",
            "PYTHONDONTWRITEBYTECODE": "1",
            "POLLER_CONFIG": str(self.config / "settings.toml"),
            "POLLER_DATABASE__URL": f"sqlite:///{self.data}/mirror.db",
        }

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.prefix, *words],
            cwd=self.data,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def asked(self, health: str) -> tuple[int, str]:
        """The exit code of a shell command, and what it said."""
        with self.start("sh", "-c", health) as running:
            said, _ = running.communicate(timeout=60)
        return running.returncode, said

    def outside(self) -> dict[str, int]:
        """Every file of the installation and the settings, with the time of its last change."""
        roots = (self.poller.parent.parent, self.config)
        return {str(file): file.lstat().st_mtime_ns for root in roots for file in root.rglob("*")}


@pytest.fixture
def api() -> Iterator[Emulator]:
    with Emulator(Endpoint(cap=70), credential=("authorization", "Bearer of-a-file")) as running:
        running.world.insert_many(300)
        yield running


@pytest.fixture
def container(installed_poller: Path, tmp_path: Path, api: Emulator) -> Iterator[Container]:
    data, config = tmp_path / "data", tmp_path / "config"
    data.mkdir()
    config.mkdir()
    secret = config / "token"
    secret.write_text("of-a-file\n")
    secret.chmod(0o400)
    (config / "settings.toml").write_text(SETTINGS.format(base_url=api.base_url, secret=secret))
    config.chmod(0o500)
    yield Container(installed_poller, data, config, sealed(data))
    config.chmod(0o700)


def sealed(data: Path) -> tuple[str, ...]:
    """The command that makes all but ``data`` read-only for what follows; empty where we may not."""
    namespace = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--map-root-user", "--mount")
    prefix = (*namespace, "sh", "-euc", SEAL, str(data))
    try:
        probe = subprocess.run([*prefix, "touch", "/tmp/no"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ()
    return prefix if "Read-only file system" in probe.stderr else ()


def test_the_daemon_needs_one_folder_to_write_to_and_the_health_check_of_the_image_finds_it_well(
    container: Container, checkout: Path
) -> None:
    found = re.search(r"HEALTHCHECK .* CMD (.*)", (checkout / "Dockerfile").read_text())
    assert found is not None
    before = container.outside()

    with container.start("poller", "run") as daemon:
        try:
            healthy, said = _wait_until_well(container, found[1])
            daemon.send_signal(signal.SIGTERM)
            told, _ = daemon.communicate(timeout=30)
        finally:
            daemon.kill()

    assert healthy, f"{said}\n{told}"
    assert daemon.returncode == 0, told
    assert container.outside() == before
    assert {file.name for file in container.data.iterdir()} <= WRITTEN


def test_the_health_check_fails_while_there_is_nothing_to_be_well(
    container: Container, checkout: Path
) -> None:
    found = re.search(r"HEALTHCHECK .* CMD (.*)", (checkout / "Dockerfile").read_text())
    assert found is not None

    code, said = container.asked(found[1])

    assert code == 1, said


def _wait_until_well(container: Container, health: str) -> tuple[bool, str]:
    until = time.monotonic() + 45
    while True:
        code, said = container.asked(health)
        if code == 0 and "shop.orders" in said:
            return True, said
        if time.monotonic() > until:
            return False, said
        time.sleep(0.3)
