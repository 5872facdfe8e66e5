"""The ways of paging, one file each: adding a file adds a ``page.type``."""

from __future__ import annotations

import sys

from poller.core import discovery


def kinds() -> dict[str, type]:
    """Every pager by the name that the settings use."""
    return discovery.kinds(sys.modules[__name__])
