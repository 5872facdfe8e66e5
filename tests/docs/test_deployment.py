"""The image and the compose file, as far as they can be judged without running them."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from poller.cli import call
from poller.cli.app import COMMANDS
from poller.cli.check_base import SAFE_SQLITE

PINNED = re.compile(r"[\w./-]+:\d+(\.\d+)+[\w.-]*(@sha256:[0-9a-f]{64})?")


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction of the Dockerfile; ``stage`` counts from 0."""

    stage: int
    word: str
    rest: str


@pytest.fixture(scope="module")
def steps(checkout: Path) -> list[Step]:
    return list(instructions((checkout / "Dockerfile").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def last(steps: list[Step]) -> list[Step]:
    """The stage that becomes the image."""
    return [step for step in steps if step.stage == steps[-1].stage]


def instructions(text: str) -> Iterator[Step]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    stage = -1
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip() != "":
            word, _, rest = line.strip().partition(" ")
            stage += word == "FROM"
            yield Step(stage, word, " ".join(rest.split()))


def only(steps: list[Step], word: str) -> str:
    found = [step.rest for step in steps if step.word == word]
    assert len(found) == 1, f"{word}: {found}"
    return found[0]


def test_every_stage_begins_with_one_version_of_one_image(steps: list[Step]) -> None:
    default = dict([only([step for step in steps if step.stage < 0], "ARG").split("=")])
    images = [step.rest.partition(" AS ")[0] for step in steps if step.word == "FROM"]

    meant = [re.sub(r"\$\{(\w+)\}", lambda name: default[name[1]], image) for image in images]

    assert len(meant) >= 2
    assert all(PINNED.fullmatch(image) for image in meant), meant


def test_what_is_fetched_has_a_checksum_or_hashes(steps: list[Step]) -> None:
    fetched = [step.rest for step in steps if step.word == "ADD"]
    run = " && ".join(step.rest for step in steps if step.word == "RUN")
    installs = re.findall(r"pip install[^&]*", run)

    assert all(re.match(r"--checksum=sha256:[0-9a-f]{64} https://", each) for each in fetched)
    assert installs
    assert all("--require-hashes" in each or "--no-index" in each for each in installs), installs
    assert not re.search(r"\b(curl|wget|git)\b", run)


def test_what_is_copied_exists_and_is_in_the_context(steps: list[Step], checkout: Path) -> None:
    let_in = [
        line[1:] for line in (checkout / ".dockerignore").read_text().splitlines() if line.startswith("!")
    ]

    for step in steps:
        words = shlex.split(step.rest) if step.word == "COPY" else []
        if words and not words[0].startswith("--from="):
            for source in words[:-1]:
                assert (checkout / source).exists(), source
                assert source.split("/")[0] in let_in, f"{source} is kept out by .dockerignore"


def test_a_copy_from_another_stage_names_a_stage(steps: list[Step]) -> None:
    stages = {step.rest.partition(" AS ")[2] for step in steps if step.word == "FROM"}
    named = [found[1] for step in steps if (found := re.match(r"--from=(\w+)", step.rest)) is not None]

    assert len(named) >= 2
    assert set(named) <= stages


def test_it_runs_as_an_ordinary_user_and_nothing_is_built_afterwards(last: list[Step]) -> None:
    user = only(last, "USER")
    after = last[[step.word for step in last].index("USER") + 1 :]

    assert re.fullmatch(r"[1-9]\d{4}:[1-9]\d{4}", user)
    assert f"--uid {user.partition(':')[0]}" in " ".join(step.rest for step in last if step.word == "RUN")
    assert {step.word for step in after} <= {"STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"}


def test_it_writes_to_one_volume_in_which_it_starts(last: list[Step]) -> None:
    assert json.loads(only(last, "VOLUME")) == [only(last, "WORKDIR")]


def test_it_refuses_to_be_built_with_a_sqlite_that_is_not_safe(last: list[Step]) -> None:
    floor = f"sqlite3.sqlite_version_info < {SAFE_SQLITE}"

    assert any(floor in step.rest for step in last if step.word == "RUN")


def test_what_it_starts_and_what_asks_for_its_health_are_commands_of_poller(
    last: list[Step], checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scripts = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]["scripts"]
    health = only(last, "HEALTHCHECK")
    asked = shlex.split(health.partition(" CMD ")[2].removesuffix(" || exit 1"))

    assert json.loads(only(last, "ENTRYPOINT")) == ["poller"]
    assert "poller" in scripts
    assert json.loads(only(last, "CMD"))[0] in COMMANDS
    assert asked[0] == "poller"
    assert call([*asked[1:], "--help"]) == 0
    assert "--check" in capsys.readouterr().out
    assert {"--interval", "--timeout", "--start-period"} <= set(re.findall(r"--[a-z-]+", health))


def services(checkout: Path) -> dict[str, str]:
    """Each service of the compose file with its lines."""
    text = (checkout / "compose.yaml").read_text(encoding="utf-8")
    inside = re.split(r"^\S", text.partition("\nservices:\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    parts = re.split(r"^  (\w+):$", inside, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_the_services_have_read_only_roots_and_no_new_privileges(checkout: Path) -> None:
    found = services(checkout)

    assert list(found) == ["poller", "postgres"]
    for name, lines in found.items():
        assert "\n    read_only: true\n" in lines, name
        assert "\n    tmpfs:\n      - /tmp\n" in lines, name
        assert "\n      - no-new-privileges:true\n" in lines, name


def test_the_server_is_pinned_looks_after_its_health_and_starts_only_when_asked_for(checkout: Path) -> None:
    server = services(checkout)["postgres"]
    image = re.search(r"^    image: (\S+)$", server, re.MULTILINE)

    assert image is not None
    assert PINNED.fullmatch(image[1])
    assert "\n    healthcheck:\n" in server
    assert "\n    profiles:\n      - postgres\n" in server


def test_no_secret_is_written_out_and_every_file_is_kept_out_of_the_repository(checkout: Path) -> None:
    text = (checkout / "compose.yaml").read_text(encoding="utf-8")
    ignored = (checkout / ".gitignore").read_text().splitlines()
    files = re.findall(r"^    file: \./(\S+)$", text, re.MULTILINE)

    assert not re.findall(r"^\s+\w*(?:PASSWORD|TOKEN|KEY): .*$", text, re.MULTILINE)
    assert len(files) == 3
    assert all(f"/{file}" in ignored or f"/{file.split('/')[0]}/" in ignored for file in files)
