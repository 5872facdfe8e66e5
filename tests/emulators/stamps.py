"""How an emulator writes and reads a moment: exact nanoseconds on one side, an API's habits on the other.

Written without the package under test, so that both cannot be wrong in the same way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,9})\d*)?)?\s*([Zz]|[+-]\d\d:?\d\d)?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """One API's way of writing time.

    ``digits``: fraction digits of ``rfc3339`` and ``naive`` (0 to 9). ``offsets``: minutes east
    of UTC that rows take in turn; 0 is written as ``Z``. ``zone``: where ``naive`` is local.
    ``json``: whether an epoch is a JSON number or text.
    """

    style: Literal["rfc3339", "naive", "unix", "unix_ms"] = "rfc3339"
    digits: int = 0
    offsets: tuple[int, ...] = (0,)
    zone: str = "UTC"
    json: Literal["number", "text"] = "number"

    def write(self, at: int, turn: int = 0) -> str | int:
        """``at`` nanoseconds as this API shows it, digits beyond its precision cut off."""
        if self.style in ("unix", "unix_ms"):
            number = at // (SECOND if self.style == "unix" else MILLISECOND)
            return number if self.json == "number" else str(number)
        moment = _EPOCH + timedelta(seconds=at // SECOND)
        if self.style == "naive":
            return _local(moment.astimezone(ZoneInfo(self.zone))) + self._fraction(at)
        minutes = self.offsets[turn % len(self.offsets)]
        return _local(moment + timedelta(minutes=minutes)) + self._fraction(at) + _offset(minutes)

    def read(self, given: object) -> int | None:
        """The nanoseconds that a request's value names; None when it names none.

        Lenient as servers are: RFC 3339 with any digits, naive in ``zone``, a bare date, or
        an epoch in this API's unit. A ``+`` that arrived as a blank is not understood.
        """
        text = str(given).strip()
        if re.fullmatch(r"-?\d+(\.\d+)?", text):
            return int(Decimal(text) * (MILLISECOND if self.style == "unix_ms" else SECOND))
        matched = _MOMENT.fullmatch(text)
        if matched is None:
            return None
        date, clock, fraction, offset = matched.groups()
        plain = datetime.fromisoformat(f"{date}T{clock or '00:00'}")
        placed = plain.replace(tzinfo=self._zone_of(offset))
        whole = (placed - _EPOCH) // timedelta(seconds=1)
        return whole * SECOND + int((fraction or "0").ljust(9, "0"))

    def _zone_of(self, offset: str | None) -> ZoneInfo | None:
        if offset is None:
            return ZoneInfo(self.zone)
        fixed = "+00:00" if offset in "Zz" else offset
        return datetime.fromisoformat(f"2000-01-01T00:00{fixed}").tzinfo  # type: ignore[return-value]

    def _fraction(self, at: int) -> str:
        return f".{at % SECOND:09d}"[: self.digits + 1] if self.digits > 0 else ""


def _local(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def _offset(minutes: int) -> str:
    if minutes == 0:
        return "Z"
    hours, rest = divmod(abs(minutes), 60)
    return f"{'+' if minutes > 0 else '-'}{hours:02d}:{rest:02d}"
