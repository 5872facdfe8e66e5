"""The command line: ``poller``. stdout carries what was asked for, stderr what there is to say about it.

Exit codes: 0 ok · 1 failed · 2 usage or settings · 3 unhealthy (``status --check``) ·
4 authentication · 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from poller.cli.failures import FAILED, INTERRUPTED, fail
from poller.cli.options import hoisted


def main() -> None:
    """Run the command that the process was started with, and exit with its code."""
    sys.exit(call(sys.argv[1:]))


def call(arguments: Sequence[str]) -> int:
    """Run one command; the exit code."""
    from poller.cli.app import command

    given = hoisted(list(arguments))
    try:
        command()(args=given, prog_name="poller")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else FAILED
    except BrokenPipeError:
        return _reader_left()
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 (whatever it is, it becomes one message and an exit code)
        return fail(error, debug="--debug" in given)
    return 0


def _reader_left() -> int:
    """``poller query … | head``: nobody reads on, which is no failure of ours."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
