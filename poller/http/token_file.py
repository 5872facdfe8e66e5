"""Keeps one token in a file of its own, for restarts and for the other processes that share it.

The file can only save a renewal. So whatever is wrong with it (gone, corrupt, not ours, on a
full disk) costs a renewal and a warning, and never a poll.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import structlog

from poller.core.tokens import Token, token_text
from poller.http.patience import Patience

PATIENT = 60.0
"""Seconds to wait for another process that renews the token; then we ask for one of our own."""

GLANCE = 0.05
"""Seconds between two looks at the lock."""

ROUNDS = 100_000
"""Of PBKDF2: what the file tells of its holder cannot be turned back into a password by trying."""

LARGEST = 1_000_000
"""Bytes. A larger file is none of ours."""

log = structlog.get_logger("poller.tokens")


class TokenFile:
    """The token of one holder. ``identity`` names him without secrets; a hash of it names the file."""

    def __init__(self, folder: Path, identity: Sequence[str]) -> None:
        named = hashlib.blake2b(json.dumps(list(identity)).encode(), digest_size=16).hexdigest()
        self._folder = folder
        self._path = folder / f"token-{named}.json"
        self._lock = folder / f"token-{named}.lock"

    @contextmanager
    def locked(self, patience: Patience) -> Iterator[None]:
        """Inside, no other process renews this token. Raises Stopped while waiting.

        Where there can be no lock, or it is not given back in a minute, we go on without: two
        renewals are better than none.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            log.warning("token not locked", file=str(self._lock), error=_words(error))
            yield
            return
        try:
            self._wait_for(descriptor, patience)
            yield
        finally:
            os.close(descriptor)

    def _wait_for(self, descriptor: int, patience: Patience) -> None:
        give_up_at = time.monotonic() + min(PATIENT, patience.left)
        while not self._taken(descriptor):
            if time.monotonic() >= give_up_at:
                log.warning("token not locked", file=str(self._lock), error="another process keeps the lock")
                return
            patience.sleep(GLANCE)

    def _taken(self, descriptor: int) -> bool:
        """Whether there is nothing more to wait for."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            log.warning("token not locked", file=str(self._lock), error=_words(error))
        return True

    def read(self, holder: bytes) -> Token | None:
        """The token that ``holder`` (the request that asks for it) was given; None when there is none."""
        try:
            content = self._content()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.warning("kept token not read", file=str(self._path), error=_words(error), hint=_RENEWED)
            return None
        try:
            return _token(json.loads(content), holder)
        except (ValueError, TypeError, KeyError, RecursionError):
            log.warning("kept token not read", file=str(self._path), error="it is damaged", hint=_RENEWED)
            return None

    def _content(self) -> bytes:
        """The file's bytes. Raises ValueError for one that somebody else could have put there."""
        descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:  # noqa: PTH123 (a descriptor)
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
                raise ValueError("it is not a file that its owner alone can read")
            return file.read(LARGEST)

    def write(self, token: Token, holder: bytes) -> None:
        """Keep ``token`` in place of the one before, whole or not at all."""
        salt = secrets.token_bytes(16)
        content = {
            "token": token.value,
            "issued_at": token.issued_at.isoformat(),
            "expires_at": None if token.expires_at is None else token.expires_at.isoformat(),
            "salt": salt.hex(),
            "holder": _mark(holder, salt),
        }
        fresh = self._path.with_suffix(".new")
        try:
            fresh.unlink(missing_ok=True)
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                with open(descriptor, "w", encoding="ascii") as file:  # noqa: PTH123 (a descriptor)
                    json.dump(content, file)
                fresh.replace(self._path)
            finally:
                fresh.unlink(missing_ok=True)
        except OSError as error:
            log.warning(
                "token not kept", file=str(self._path), error=_words(error), hint="check daemon.state_dir"
            )


_RENEWED = "nothing to do: a new token is asked for"


def _token(kept: dict[str, str | None], holder: bytes) -> Token | None:
    """The token if it is the holder's. Raises ValueError, TypeError, KeyError for what is none of ours."""
    expires_at = kept["expires_at"]
    token = Token(
        token_text(kept["token"], "token"),
        _aware(str(kept["issued_at"])),
        None if expires_at is None else _aware(expires_at),
    )
    return token if kept["holder"] == _mark(holder, bytes.fromhex(str(kept["salt"]))) else None


def _aware(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    return moment


def _mark(holder: bytes, salt: bytes) -> str:
    return hashlib.pbkdf2_hmac("sha256", holder, salt, ROUNDS, 16).hex()


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
