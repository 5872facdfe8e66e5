"""Log lines on stderr: for eyes when it is a terminal, else ``key=value`` or JSON; never with a secret."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, MutableMapping
from typing import Any

from poller.cli.options import LogFormat, Options
from poller.http.redact import RedactingFilter, Redactor

REDACTOR = Redactor()
"""The secrets that this process has read; one for logs, messages and debug lines alike."""


def set_up(options: Options, level: int = logging.INFO) -> None:
    """Configure structlog and the standard library's logging; once per process."""
    import structlog

    wanted = logging.DEBUG if options.debug else logging.WARNING if options.quiet else level
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _without_blanks,
            REDACTOR,
            _renderer(options),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(wanted),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    _take_in_the_libraries()


def debug_lines(options: Options) -> Callable[[str], None] | None:
    """Where requests go as curl lines: stderr with ``--debug``, else nowhere."""
    if not options.debug:
        return None
    return lambda line: print(REDACTOR.clean(line), file=sys.stderr, flush=True)


def _without_blanks(_logger: Any, _method: str, said: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ANN401
    """A line says what there is: a failure without a hint has no ``hint=``."""
    return {name: value for name, value in said.items() if value is not None}


def _renderer(options: Options) -> Any:  # noqa: ANN401 (structlog's own processors)
    import structlog

    if options.log_format is LogFormat.JSON:
        return structlog.processors.JSONRenderer()
    if sys.stderr.isatty():
        return structlog.dev.ConsoleRenderer(
            colors=colours_on_stderr(options), pad_event_to=0, sort_keys=False
        )
    return structlog.processors.LogfmtRenderer(key_order=("timestamp", "level", "event"), bool_as_flag=False)


def colours_on_stderr(options: Options) -> bool:
    """Whether stderr is a terminal that nobody asked to leave plain."""
    return sys.stderr.isatty() and not options.no_color and "NO_COLOR" not in os.environ


def _take_in_the_libraries() -> None:
    """Warnings of libraries (APScheduler, Alembic) on the same stderr, in the same form."""
    import structlog

    class Forward(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said = structlog.get_logger(record.name)
            said.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)

    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    forward = Forward(logging.WARNING)
    forward.addFilter(RedactingFilter(REDACTOR))
    root.addHandler(forward)
    root.setLevel(logging.WARNING)
