"""The ways to say who asks, one file each: adding a file adds an ``auth.type``.

A file defines one frozen dataclass; its fields are the options that the settings know, its
:meth:`headers` gives the header fields. A credential stands in a header, never in a URL:
URLs end in logs.
"""

from __future__ import annotations

import sys

from poller.core import discovery


def kinds() -> dict[str, type]:
    """Every way by the name that the settings use."""
    return discovery.kinds(sys.modules[__name__])
