"""The pages that are made from the code say what the code says, and the example is one to copy."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from poller import auth, pagers
from poller.cli.init import TEXT as BEGINNING
from poller.cli.reference import verbs
from poller.config import load
from poller.config.example import example_text
from poller.config.plugins import options_of
from poller.config.reference import SECTIONS
from poller.core.guarantee import guarantee
from tests.docs.generated import GENERATED

COMMENTED = re.compile(r"# (\w+ = .*?)(?:\s{2,}# .*| # .*)?")


@pytest.mark.parametrize("name", GENERATED)
def test_a_page_says_what_the_code_says(checkout: Path, name: str) -> None:
    written = (checkout / name).read_text(encoding="utf-8")

    assert written == GENERATED[name](), f"{name} is not what the code says: run `make docs`"


def test_every_verb_and_each_of_its_options_is_on_the_page_of_the_commands(checkout: Path) -> None:
    page = (checkout / "docs/reference/commands.md").read_text(encoding="utf-8")

    for verb in verbs():
        section = re.split(r"^##", page.partition(f"# {verb.title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
        assert section, f"docs/reference/commands.md has no section {verb.title}"
        assert not [option for option in verb.options if option not in section], verb.title


def test_every_hazard_is_on_the_page_of_the_commands(checkout: Path) -> None:
    page = (checkout / "docs/reference/commands.md").read_text(encoding="utf-8")
    table = [line for line in page.splitlines() if re.search(r"\| (refused|caution) \|", line)]
    names = list(hazard_names(checkout))

    missing = [name for name in names if not any(f"`{name}" in line for line in table)]

    assert len(names) >= 7
    assert not missing, "NOTES in poller/cli/check.py explains the hazards"


def hazard_names(checkout: Path) -> Iterator[str]:
    """What stands first in each ``Hazard(…)``; of a name that is put together, how it begins."""
    for file in (checkout / "poller/core").glob("hazard*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Hazard":
                first = node.args[0]
                name = first.values[0] if isinstance(first, ast.JoinedStr) else first
                assert isinstance(name, ast.Constant), ast.unparse(first)
                yield str(name.value)


def test_the_example_loads_without_a_warning_and_no_stream_of_it_is_refused(checkout: Path) -> None:
    settings = load(checkout / "settings.example.toml", {})

    assert settings.warnings == ()
    assert {type(stream.pager) for stream in settings.streams} == set(pagers.kinds().values()) - UNSHOWN
    assert {str(stream): guarantee(stream).refused for stream in settings.streams} == {
        str(stream): () for stream in settings.streams
    }


def test_check_finds_nothing_wrong_with_the_example_once_its_secrets_are_there(
    checkout: Path, tmp_path: Path
) -> None:
    text = (checkout / "settings.example.toml").read_text(encoding="utf-8")
    (tmp_path / "payments_key").write_text("a key")
    (tmp_path / "settings.toml").write_text(text.replace("file:/run/secrets/", f"file:{tmp_path}/"))
    secrets = dict.fromkeys(re.findall(r'^[^#\n]*"env:(\w+)"', text, re.MULTILINE), "a secret")

    checked = subprocess.run(
        [sys.executable, "-m", "poller", "check", "--offline"],
        cwd=tmp_path,
        env={**os.environ, **secrets},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert len(secrets) >= 4


UNSHOWN = {pagers.kinds()["none"]}
"""Whoever has an answer of one page finds it among the kinds at the end of the example."""


def test_the_example_has_every_key_of_every_section_and_every_kind_of_a_plugin() -> None:
    text = example_text()
    keys = set(re.findall(r"^(?:#\s+)?(\w+) = ", text, re.MULTILINE))

    for _, section in SECTIONS:
        tables = {"sources", "streams"}
        assert set(section.model_fields) - tables <= keys, section.__name__
    for kinds in (pagers.kinds(), auth.kinds()):
        for name, kind in kinds.items():
            shown = text.partition(f'= {{ type = "{name}"')[2]
            assert all(f"{option} = " in shown for option in options_of(kind).model_fields), name


def test_each_key_that_stands_behind_a_sign_may_be_taken_out_of_it(tmp_path: Path) -> None:
    lines = example_text().replace('# method = "GET"', 'method = "POST" ').splitlines()  # for the body
    file = tmp_path / "settings.toml"
    commented = {index: match[1] for index, line in enumerate(lines) if (match := COMMENTED.fullmatch(line))}

    for index, key in commented.items():
        if "{ … }" not in key:
            file.write_text("\n".join([*lines[:index], key, *lines[index + 1 :]]), encoding="utf-8")
            load(file, {})

    assert len(commented) > 25


def test_what_init_writes_is_a_beginning_that_loads_once_it_is_filled_in(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(BEGINNING.replace("<host>", "api.example"), encoding="utf-8")
    known = set(re.findall(r"^(?:#\s+)?(\w+) = ", example_text(), re.MULTILINE))

    settings = load(file, {})

    assert settings.warnings == ()
    assert [guarantee(stream).hazards for stream in settings.streams] == [()]
    assert set(re.findall(r"^(?:# )?(\w+) = ", BEGINNING, re.MULTILINE)) <= known
