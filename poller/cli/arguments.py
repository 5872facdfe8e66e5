"""The arguments and options that several commands take, each worded once."""

from __future__ import annotations

from typing import Annotated

from typer import Argument, Option

Streams = Annotated[
    list[str] | None, Argument(metavar="STREAM", help="source.stream, or a source for all of its streams.")
]
OneStream = Annotated[str, Argument(metavar="STREAM", help="source.stream")]
Json = Annotated[bool, Option("--json", help="JSON Lines; docs/json.md has the keys.")]
Limit = Annotated[int, Option("--limit", "-n", min=1, metavar="N", help="At most so many, the newest.")]
