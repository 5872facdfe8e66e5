"""Turns every error into one message with its next step, and into the exit code that scripts look at."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from poller.core.errors import Category, FetchError, PollerError, SettingsError

FAILED = 1
USAGE = 2
UNHEALTHY = 3
AUTHENTICATION = 4
INTERRUPTED = 130

EXIT_CODES = {
    0: "ok",
    FAILED: "failed",
    USAGE: "the command line or the settings are wrong, or `check` refuses them",
    UNHEALTHY: "unhealthy (`status --check`)",
    AUTHENTICATION: "the API refused the credential (401, 403), or a secret cannot be read",
    INTERRUPTED: "interrupted; what was committed stands, and the next poll goes on from there",
}
"""What scripts can rely on."""

REFUSED_US = frozenset({Category.AUTHENTICATION, Category.FORBIDDEN})
"""The API knows the credential not at all, or not for this: exit code 4."""


class UsageError(PollerError):
    """The command line cannot mean anything: exit code 2."""


def fail(error: Exception, *, debug: bool) -> int:
    """Say what went wrong on stderr; the exit code. A traceback only for a defect, or with ``debug``."""
    if isinstance(error, OSError):
        return _refused_by_the_system(error, debug=debug)
    if not isinstance(error, PollerError):
        return _defect(error, debug=debug)
    if debug:
        _trace(error)
    print(_clean(_told(error)), file=sys.stderr)
    return code_of(error)


def code_of(error: PollerError) -> int:
    """The exit code that an error asks for."""
    if isinstance(error, FetchError) and error.category in REFUSED_US:
        return AUTHENTICATION
    return USAGE if isinstance(error, SettingsError | UsageError) else FAILED


def code_of_categories(found: Iterable[Category | None]) -> int:
    """The exit code of several failures: authentication when any of them is; 0 when there are none."""
    categories = list(found)
    if any(each in REFUSED_US for each in categories):
        return AUTHENTICATION
    return FAILED if categories else 0


def _told(error: PollerError) -> str:
    from poller.config.problems import SettingsProblems

    if isinstance(error, SettingsProblems):
        return _problems(error.problems)
    hint = "" if error.hint is None else f"\nhint: {error.hint}"
    return f"error: {error}{hint}"


def _problems(problems: tuple[SettingsError, ...]) -> str:
    """Each problem with its line of the file and a caret; how many there are when it is more than one."""
    from pathlib import Path

    from poller.config import read_text, render_problem

    texts: dict[str, str] = {}
    for problem in problems:
        if problem.file is not None and problem.line is not None and problem.file not in texts:
            texts[problem.file] = read_text(Path(problem.file))
    shown = [f"error: {render_problem(each, texts.get(each.file or '', ''))}" for each in problems]
    more = f"\n\n{len(problems)} problems; nothing was started" if len(problems) > 1 else ""
    return "\n\n".join(shown) + more


def _refused_by_the_system(error: OSError, *, debug: bool) -> int:
    if debug:
        _trace(error)
    where = "the output" if error.filename is None else str(error.filename)
    print(_clean(f"error: {where} cannot be used: {error.strerror or error}"), file=sys.stderr)
    print("hint: check the disk, and the rights of this user there", file=sys.stderr)
    return FAILED


def _defect(error: Exception, *, debug: bool) -> int:
    if debug:
        _trace(error)
    what = _clean(f"{type(error).__name__}: {error}")
    print(
        f"error: a defect in poller: {what}\nhint: run it again with --debug and report what it shows",
        file=sys.stderr,
    )
    return FAILED


def _trace(error: Exception) -> None:
    import traceback

    print(_clean("".join(traceback.format_exception(error))), file=sys.stderr)


def _clean(text: str) -> str:
    """Without the secrets that this process has read."""
    from poller.cli.logs import REDACTOR

    return REDACTOR.clean(text)
