"""The commands and the options that all of them share; each command is one file, imported when it is used."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

from typer import Context, Exit, Option, Typer, echo
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from poller import __version__
from poller.cli.failures import UsageError
from poller.cli.names import did_you_mean
from poller.cli.options import LogFormat, Options, keep

ABOUT = """\
Mirror REST APIs into a SQL database by polling, and see that nothing was missed.

A stream is named source.stream; a source alone means all of its streams. What was asked for goes
to stdout, messages to stderr. `poller COMMAND --help` says more.
"""
EPILOG = (
    "Exit codes: 0 ok, 1 failed, 2 usage or settings, 3 unhealthy (status --check), 4 authentication, "
    "130 interrupted."
)

COMMANDS = {
    "init": "Write settings to begin with.",
    "check": "Check settings, database and APIs, and say what is guaranteed.",
    "run": "Poll every stream on its schedule, until told to stop.",
    "once": "Poll streams once, now, and say what came of it.",
    "status": "Show how each stream is doing.",
    "query": "Query the mirror: SQL, or a stream with conditions.",
    "changes": "List what was inserted, updated and deleted.",
    "runs": "List polls and what came of them.",
    "requests": "List HTTP requests, and write one as a curl line.",
    "missed": "List missed polls, why, and which run healed them.",
    "watermark": "Look at watermarks, and move them.",
    "dead-letters": "Look at records that could not be mirrored, and replay them.",
    "db": "Show or upgrade the revision of the database.",
    "demo": "See the main job against a bundled API, in under a minute.",
}
"""Every command with its line in the help. A command is a module; one with several verbs has ``VERBS``.

What a module says beside its functions, by title (``runs``, ``watermark list``): ``EXIT_CODES``,
the codes that mean something of its own; ``JSON_KEYS`` (:mod:`poller.cli.reference_json`).
"""

PLAIN = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Lazy(TyperGroup):
    """Imports a command when it is used: ``poller --help`` need not wait for all of them."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 (typer's own copy of click has no public types)
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401
        return _loaded(cmd_name) if cmd_name in COMMANDS else None

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise BrokenPipeError from None  # without an errno: typer would take it for a failure of ours

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise UsageError(f"there is no command {args[0]!r}", hint=_near(args[0]))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


class Verb(TyperCommand):
    """Shows arguments by their names alone; the toolkit would add Python's types to them."""

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        for kind in ("argument", "option"):
            given = [each for each in self.get_params(ctx) if each.param_type_name == kind]
            rows = [row for each in given if (row := each.get_help_record(ctx)) is not None]
            if kind == "argument":
                rows = [(name.partition(" <")[0], about) for name, about in rows]
            if rows:
                with formatter.section(f"{kind.capitalize()}s"):
                    formatter.write_dl(rows)


class Verbs(TyperGroup):
    """Lists its verbs with their whole first lines; the toolkit would cut them to one line of the screen."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        with formatter.section("Commands"):
            formatter.write_dl([(name, _first_line(verb)) for name, verb in self.commands.items()])


def command() -> Any:  # noqa: ANN401
    """The whole command line, ready to be called with arguments."""
    app = _app(ABOUT, cls=Lazy, epilog=EPILOG)
    app.callback()(_shared)
    return get_command(app)


def _near(word: str) -> str:
    return did_you_mean(word, list(COMMANDS)) or "`poller --help` lists them"


def _loaded(name: str) -> Any:  # noqa: ANN401
    module = import_module(f"poller.cli.{name.replace('-', '_')}")
    verbs: dict[str, Callable[..., None]] | None = getattr(module, "VERBS", None)
    app = _app(COMMANDS[name], cls=None if verbs is None else Verbs, add_completion=False)
    codes: dict[str, dict[int, str]] = getattr(module, "EXIT_CODES", {})
    if verbs is None:
        app.command(name, cls=Verb, epilog=_epilog(codes.get(name, {})))(getattr(module, name))
    else:
        app.callback()(_nothing)
        for verb, function in verbs.items():
            app.command(verb, cls=Verb, epilog=_epilog(codes.get(f"{name} {verb}", {})))(function)
    loaded = get_command(app)
    loaded.name = name
    return loaded


def _epilog(codes: dict[int, str]) -> str | None:
    return f"Exit codes: {'; '.join(f'{code} {when}' for code, when in codes.items())}." if codes else None


def _first_line(verb: Any) -> str:  # noqa: ANN401
    return " ".join((verb.help or "").partition("\n\n")[0].split())


def _nothing() -> None:
    """A group of verbs does nothing by itself."""


def _app(about: str, **settings: Any) -> Typer:  # noqa: ANN401
    return Typer(
        help=about,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=PLAIN,
        **settings,
    )


def _say_version(value: bool) -> None:
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
    keep(context, Options(config, debug, no_color, quiet, log_format))
