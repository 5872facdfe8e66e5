"""``poller demo``: the real daemon against a real API that changes, breaks and comes back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from poller.demo.compare import FOLDER, STREAMS, count, differences, loaded, misses, open_misses, rows
from poller.demo.settings import KEY_VARIABLE, settings_text

KEY = "demo-key"
OUTAGE = 6
"""Seconds that the API is down."""
PATIENCE = 30.0
"""Seconds that any one act of the show may take."""


class ShowStopped(Exception):
    """An act did not come to its end in time."""


def main(*, keep: bool) -> int:
    """Run the show; 0 only when the mirror equals the API, row by row. ``keep`` goes on until Ctrl-C."""
    _fresh(FOLDER)
    with _api() as base_url, _daemon(base_url) as daemon:
        try:
            _until_interrupted(base_url, daemon, keep=keep)
            _post(base_url, "freeze")
            _wait("the last changes", lambda: differences(base_url) == {} and open_misses() == 0)
        except ShowStopped as stopped:
            _say(f"\nThe demo broke off: {stopped}\nthe daemon's log is {FOLDER / 'daemon.log'}")
            return 1
        equal = _verdict(base_url)
        _stop(daemon)
    _say(_NEXT.format(folder=FOLDER, poller=_this_program()))
    return 0 if equal else 1


def _until_interrupted(base_url: str, daemon: subprocess.Popen[bytes], *, keep: bool) -> None:
    try:
        _acts(base_url, daemon)
        if keep:
            _go_on(base_url)
    except KeyboardInterrupt:
        _say("\nstopping")


def _acts(base_url: str, daemon: subprocess.Popen[bytes]) -> None:
    _act("The first load: three streams, three ways of paging")
    _wait("the first load", loaded, daemon)
    _act("Records change and are added; every poll brings what is new")
    _watch(6.0, daemon)
    _act(f"The API goes down for {OUTAGE} seconds: 503 pages and dropped connections")
    _post(base_url, f"outage?seconds={OUTAGE}&how=both")
    _watch(OUTAGE + 1.0, daemon)
    _act("It is back. What was missed is covered by the next poll of each stream")
    _wait("healing", lambda: open_misses() == 0 and misses() > 0, daemon)
    _watch(2.0, daemon)


def _verdict(base_url: str) -> bool:
    """Show what the daemon knows, and compare; True when every row is equal."""
    _act("What the daemon knows")
    for command in (
        ["status"],
        ["query", "select status, count(*) as issues from demo_issues group by status order by 2 desc"],
        ["changes", "demo.orders", "--limit", "5"],
        ["missed"],
    ):
        _poller(*command)
    _act("The mirror against the API's own state, row by row")
    different = differences(base_url)
    for stream in STREAMS:
        wrong = different.get(stream, 0)
        _say(
            f"  demo.{stream:<9} {rows(stream):>6,} rows   {'equal' if wrong == 0 else f'{wrong} DIFFERENT'}"
        )
    return not different


_NEXT = """
What to look at next (from this folder):
  sqlite3 {folder}/mirror.db 'select id, subject, status from demo_issues limit 3'
  {poller} -c {folder}/settings.toml runs
  {poller} -c {folder}/settings.toml check --offline
  less {folder}/settings.toml
  {poller} demo --keep

The mirror is plain SQL; `runs` lists every run and what it healed; `check` says in words what each
stream is guaranteed; `demo --keep` goes on until Ctrl-C."""

# --- the two processes -----------------------------------------------------------------------


@contextmanager
def _api() -> Iterator[str]:
    command = [sys.executable, "-m", "poller.demo.api", "--port", "0", "--seed", "7"]
    api = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert api.stdout is not None
        yield str(json.loads(api.stdout.readline())["base_url"])
    finally:
        _end(api)


@contextmanager
def _daemon(base_url: str) -> Iterator[subprocess.Popen[bytes]]:
    settings = FOLDER / "settings.toml"
    settings.write_text(settings_text(base_url, f"sqlite:///{FOLDER}/mirror.db"), encoding="utf-8")
    with (FOLDER / "daemon.log").open("wb") as log:
        daemon = subprocess.Popen(
            _command("run"), stdout=log, stderr=log, env=_environment(), start_new_session=True
        )
        try:
            yield daemon
        finally:
            _end(daemon)


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "poller", "-c", str(FOLDER / "settings.toml"), *words]


def _environment() -> dict[str, str]:
    return {**os.environ, KEY_VARIABLE: KEY}


def _stop(daemon: subprocess.Popen[bytes]) -> None:
    _act("SIGTERM: the daemon finishes the page in hand and gives its leases back")
    daemon.send_signal(signal.SIGTERM)
    _say(f"  exit code {daemon.wait(timeout=PATIENCE)}")


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(timeout=PATIENCE)
        child.kill()
    child.wait()


def _this_program() -> str:
    """How the reader calls this program from here."""
    if shutil.which("poller") is not None:
        return "poller"
    beside = Path(sys.executable).with_name("poller")
    try:
        return str(beside.relative_to(Path.cwd()))
    except ValueError:
        return str(beside)


def _fresh(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name in ("mirror.db", "mirror.db-wal", "mirror.db-shm", "daemon.log", "settings.toml"):
        (folder / name).unlink(missing_ok=True)


# --- looking on ------------------------------------------------------------------------------


def _watch(seconds: float, daemon: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        _progress(daemon)
        time.sleep(0.5)
    _settle_line()


def _wait(what: str, done: Callable[[], bool], daemon: subprocess.Popen[bytes] | None = None) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > end:
            raise ShowStopped(f"waited {PATIENCE:.0f} s for {what}")
        _progress(daemon)
        time.sleep(0.3)
    _progress(daemon)
    _settle_line()


def _go_on(base_url: str) -> None:
    _act(f"Going on until Ctrl-C. API: {base_url}   settings: {FOLDER / 'settings.toml'}")
    while True:
        _progress(None)
        time.sleep(1.0)


def _progress(daemon: subprocess.Popen[bytes] | None) -> None:
    """One line that is written over on a terminal, or a line now and then in a file."""
    if daemon is not None and daemon.poll() is not None:
        raise ShowStopped(f"the daemon ended by itself, exit code {daemon.returncode}")
    counts = "   ".join(f"{stream} {rows(stream):>6,}" for stream in STREAMS)
    line = f"  {counts}   changes {count('poller_changes'):>6,}   missed {misses():>3} (open {open_misses()})"
    if sys.stdout.isatty():
        _write(sys.stdout, f"\r{line}\x1b[K")
    elif time.monotonic() - _LAST_LINE[0] > 2.0:  # noqa: PLR2004 (seconds between lines in a file)
        _LAST_LINE[0] = time.monotonic()
        _say(line)


_LAST_LINE = [0.0]


def _settle_line() -> None:
    if sys.stdout.isatty():
        _write(sys.stdout, "\n")


def _act(title: str) -> None:
    bold, plain = ("\x1b[1m", "\x1b[0m") if sys.stdout.isatty() and "NO_COLOR" not in os.environ else ("", "")
    _say(f"\n{bold}{title}{plain}")


def _say(text: str) -> None:
    _write(sys.stdout, f"{text}\n")


def _write(out: IO[str], text: str) -> None:
    out.write(text)
    out.flush()


def _poller(*words: str) -> None:
    shown = " ".join(f'"{word}"' if " " in word else word for word in words)
    _say(f"\n$ poller {shown}")
    subprocess.run(_command(*words), env=_environment(), check=True)


def _post(base_url: str, path: str) -> None:
    request = urllib.request.Request(f"{base_url}/_demo/{path}", method="POST")
    urllib.request.urlopen(request, timeout=10).close()
