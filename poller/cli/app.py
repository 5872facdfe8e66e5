"""The commands and the options that all of them share; each command is one file, imported whole but light."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from typer import Context, Exit, Option, Typer, echo
from typer.main import get_command

from poller import __version__
from poller.cli import (
    changes,
    check,
    db,
    dead_letters,
    demo,
    init,
    missed,
    once,
    query,
    run,
    runs,
    status,
    watermark,
)
from poller.cli.options import LogFormat, Options

ABOUT = """\
Mirror REST APIs into a SQL database by polling, and see that nothing was missed.

A stream is named source.stream; a source alone means all of its streams. What was asked for goes
to stdout, messages to stderr. `poller COMMAND --help` says more.
"""
EPILOG = "Exit codes: 0 ok, 1 failed, 2 usage or settings, 3 unhealthy (status --check), 4 authentication."

PLAIN = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def command() -> Any:  # noqa: ANN401 (typer's own copy of click has no public types)
    """The whole command line, ready to be called with arguments."""
    app = _group(ABOUT, epilog=EPILOG)
    app.callback()(_shared)
    for name, function in (
        ("init", init.init),
        ("check", check.check),
        ("run", run.run),
        ("once", once.once),
        ("status", status.status),
        ("query", query.query),
        ("changes", changes.changes),
        ("runs", runs.runs),
        ("missed", missed.missed),
    ):
        app.command(name)(function)
    app.add_typer(_of("Look at watermarks, and move them.", watermark.COMMANDS), name="watermark")
    app.add_typer(_of("Records that could not be mirrored.", dead_letters.COMMANDS), name="dead-letters")
    app.add_typer(_of("The database's own tables.", db.COMMANDS), name="db")
    app.command("demo")(demo.demo)
    return get_command(app)


def _group(about: str, epilog: str | None = None) -> Typer:
    return Typer(
        help=about,
        epilog=epilog,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=PLAIN,
    )


def _of(about: str, commands: dict[str, Any]) -> Typer:
    group = _group(about)
    for name, function in commands.items():
        group.command(name)(function)
    return group


def _say_version(value: bool) -> None:  # noqa: FBT001 (typer hands flags to callbacks)
    if value:
        echo(f"poller {__version__}")
        raise Exit


def _shared(
    context: Context,
    config: Annotated[
        Path | None,
        Option("--config", "-c", help="Settings file. [default: $POLLER_CONFIG, else settings.toml]"),
    ] = None,
    debug: Annotated[
        bool, Option("--debug", help="Show requests as curl lines without secrets, and tracebacks.")
    ] = False,
    no_color: Annotated[bool, Option("--no-color", help="No colours; so does $NO_COLOR.")] = False,
    quiet: Annotated[bool, Option("--quiet", "-q", help="On stderr, only warnings and errors.")] = False,
    log_format: Annotated[
        LogFormat, Option("--log-format", help="How log lines are written.")
    ] = LogFormat.TEXT,
    version: Annotated[
        bool, Option("--version", callback=_say_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    del version
    context.obj = Options(config, debug, no_color, quiet, log_format)
