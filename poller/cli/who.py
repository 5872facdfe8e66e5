"""Who sits at the keyboard, for the record."""

from __future__ import annotations

import os


def who() -> str:
    """``name@host``, as far as the system knows."""
    import getpass
    import socket

    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"uid {os.getuid()}"
    return f"{name}@{socket.gethostname()}"
