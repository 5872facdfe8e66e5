"""``poller init``: writes settings to begin with, with comments; never over a file that is there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Context, Option

from poller.cli.options import options_of

DEMO_URL = "http://127.0.0.1:8790"


def init(
    context: Context,
    path: Annotated[
        Path | None, Argument(metavar="FILE", help="Where to; settings.toml when not said.")
    ] = None,
    example: Annotated[
        bool, Option("--example", help="Settings that run against the bundled demo API.")
    ] = False,
    force: Annotated[bool, Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write settings.toml with comments, to be filled in; or --example, which runs as it is.

    What to do next is said on stderr. A file that is there is left alone unless --force.
    """
    from poller.cli.failures import UsageError
    from poller.cli.screen import note
    from poller.config.load import DEFAULT

    options = options_of(context)
    where = path or options.config or DEFAULT
    text = _example_text() if example else TEXT
    try:
        with where.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(
            f"{where} is there already", hint="--force writes over it; or name another file"
        ) from None
    except OSError as error:
        raise UsageError(
            f"{where} cannot be written: {error.strerror}", hint="check the folder, and its rights"
        ) from None
    print(where)
    note(_next_steps(where, EXAMPLE_STEPS if example else STEPS), options)


def _example_text() -> str:
    from poller.demo.settings import settings_text

    return settings_text(DEMO_URL, "sqlite:///mirror.db")


def _next_steps(where: Path, steps: str) -> str:
    from poller.config.load import DEFAULT

    return steps.format(config="" if where == DEFAULT else f" -c {where}")


STEPS = """\
next:
  1. fill in what is marked with <…>, from the vendor's documentation
  2. export API_TOKEN=…
  3. poller check{config}     asks for one page per stream, and says what is guaranteed
  4. poller once{config}      polls once; poller run{config} goes on by itself"""

EXAMPLE_STEPS = """\
next, in another terminal:
  python -m poller.demo.api --port 8790
and here:
  export POLLER_DEMO_KEY=demo-key
  poller check{config}
  poller once{config}
  poller query{config} "select * from demo_issues limit 5\""""

TEXT = """\
# Settings of poller: which APIs to mirror, and into which database. `poller check` looks at them,
# asks each stream for one page, and says what is guaranteed. Every option: docs/reference/settings.md

[database]
url = "sqlite:///mirror.db"              # a file beside the place where poller is started

[daemon]
workers = 8                              # polls at the same time, over all sources

# --- one API; the name is yours ---------------------------------------------------------------------
[sources.crm]
base_url = "https://<host>/api"
auth = { type = "bearer", token = "env:API_TOKEN" }   # or type = "api_key", header = "…", value = "env:…"
timeout = "30s"                          # of a whole request
concurrency = 2                          # requests at the same time
rate_limit = "100/minute"                # what the API allows; [] when it does not say
# request_id_header = "X-Request-ID"     # the response header that support will ask for

# --- one endpoint, mirrored into the table crm_people -----------------------------------------------
[sources.crm.streams.people]
path = "/people"
# Write the request as the documentation shows it; what is in braces is filled in for each request.
params = { updated_since = "{since}", sort = "updated_at", offset = "{offset}", limit = "{size}" }
records = "items"                        # where the list stands in the answer; "@" when it is the whole
key = "id"                               # what identifies a record
updated_at = "updated_at"                # where a record says when it changed
order = "asc"                            # what the request sorts by: asc, desc (by updated_at), key or none
schedule = "5m"                          # or a cron expression: "*/5 * * * *"
since = { format = "rfc3339", bound = "closed", lookback = "2m" }
page = { type = "offset", size = 100 }   # or cursor, keyset, link, next_url, none, page
"""
