"""``poller demo``: the real daemon against a bundled API that changes, breaks and comes back."""

from __future__ import annotations

from typing import Annotated

from typer import Exit, Option


def demo(
    keep: Annotated[bool, Option("--keep", help="Go on until Ctrl-C, and keep what was mirrored.")] = False,
) -> None:
    """Show the main job against a bundled API, in under a minute."""
    from poller.demo.show import main

    raise Exit(main(keep=keep))
