"""What the documentation shows is what happens."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.docs.snippets import (
    CHECKOUT,
    Command,
    Snippet,
    commands,
    first_line_not_shown,
    pages,
    snippets,
)

TIMEOUT = 60
_LINK = re.compile(r"\[[^\]\n]+\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")


def relative(page: Path) -> str:
    return page.relative_to(CHECKOUT).as_posix()


@pytest.mark.parametrize("page", pages(), ids=relative)
def test_the_snippets_of_a_page_run_in_their_order(page: Path, tmp_path: Path) -> None:
    for snippet in snippets(page):
        if snippet.is_live:
            enact(snippet, tmp_path)


@pytest.mark.parametrize("page", pages(), ids=relative)
def test_toml_and_json_can_be_read(page: Path) -> None:
    readers = {"toml": tomllib.loads, "json": json.loads}

    for snippet in snippets(page):
        if snippet.language in readers and "fragment" not in snippet.marks:
            try:
                readers[snippet.language](snippet.text)
            except ValueError as error:
                pytest.fail(f"{snippet}: {error}")


@pytest.mark.parametrize("page", pages(), ids=relative)
def test_links_inside_the_checkout_lead_somewhere(page: Path) -> None:
    dead = [link for link in _LINK.findall(page.read_text()) if not (page.parent / link).exists()]

    assert not dead, f"{relative(page)} links to what does not exist: {dead}"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("```console run\n$ false\n```\n", "exit 1"),
        ("```console run exit=2\n$ true\n```\n", "exit 0"),
        ("```console run\n$ echo one two\none three\n```\n", "one three"),
        ("```console run\n$ printf 'b\\na\\n'\na\nb\n```\n", "'b'"),
        ("```sql run\nselect * from nowhere;\n```\n", "no such table"),
        ("```python run\nassert 1 == 2\n```\n", "exit 1"),
    ],
)
def test_a_snippet_that_does_not_do_what_it_shows_is_caught(
    tmp_path: Path, text: str, complaint: str
) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)

    with pytest.raises((AssertionError, sqlite3.Error), match=complaint):
        enact(snippets(page)[0], tmp_path)


def test_a_page_that_tells_the_truth_runs_to_its_end(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```toml file=a.toml\nx = 1\n```\n```console run\n$ cat a.toml\nx = …\n$ echo a \\\n> b\na b\n\n```\n"
        "```python run\nprint('x')\n```\n```sql run\nselect 1;\n```\n```console run exit=3\n$ exit 3\n```\n"
    )

    for snippet in snippets(page):
        enact(snippet, tmp_path)

    assert (tmp_path / "a.toml").read_text() == "x = 1\n"
    assert list(commands(snippets(page)[1].text)) == [
        Command("cat a.toml", ("x = …",)),
        Command("echo a \\\nb", ("a b",)),
    ]


def enact(snippet: Snippet, folder: Path) -> None:
    """Do what the snippet's marks ask for, in ``folder``."""
    file = snippet.option("file")
    if file is not None:
        (folder / file).write_text(snippet.text, encoding="utf-8")
    elif snippet.language == "console":
        for command in commands(snippet.text):
            run(snippet, ["bash", "-euc", command.line], folder, command.shows)
    elif snippet.language == "python":
        run(snippet, [sys.executable, "-c", snippet.text], folder, ())
    elif snippet.language == "sql":
        connection = sqlite3.connect(folder / "mirror.db")
        try:
            connection.executescript(snippet.text)
        finally:
            connection.close()
    else:
        pytest.fail(f"{snippet}: nobody knows how to run {snippet.language}")


def run(snippet: Snippet, command: list[str], folder: Path, shows: tuple[str, ...]) -> None:
    environment = os.environ | {"NO_COLOR": "1", "COLUMNS": "160"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        pytest.fail(f"{snippet}: {command[-1]!r} did not end within {TIMEOUT} s:\n{output}")
    wanted = int(snippet.option("exit") or 0)
    assert process.returncode == wanted, f"{snippet}: {command[-1]!r}: exit {process.returncode}:\n{output}"
    missing = first_line_not_shown(shows, output)
    assert missing is None, f"{snippet}: {command[-1]!r} did not show {missing!r}:\n{output}"
