"""``poller run``: the daemon. It polls every stream when its slot comes, until it is told to stop."""

from __future__ import annotations

import os

from typer import Context, Exit

from poller.cli.options import options_of


def run(context: Context) -> None:
    """Poll every stream on its schedule until SIGTERM or Ctrl-C.

    Either finishes and commits the page in hand, and ends with exit code 0; a second one exits at
    once, as safely. SIGHUP reads the settings again; wrong ones leave the old in force. A second
    daemon for the same database refuses and names the first one.
    """
    from poller.bootstrap import House, utc_now
    from poller.cli import logs
    from poller.cli.opening import settings_of
    from poller.cli.refusals import warn_of_refusals
    from poller.config import load
    from poller.engine.daemon import LONGEST_HOLD, Daemon

    options = options_of(context)
    logs.set_up(options)
    settings = settings_of(options)
    warn_of_refusals(settings.streams)
    house = House(
        settings,
        logs.REDACTOR,
        debug=logs.debug_lines(options),
        reread=lambda: load(options.config, os.environ),
        longest_hold=LONGEST_HOLD,
    )
    try:
        code = Daemon(house, utc_now).run()
    finally:
        house.close()
    raise Exit(code)
