"""Families 7 and 8, what changed since a token: a change token, and a delta link; 410 when it is too old."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from tests.emulators.families.call import Call, Refused, Shown
from tests.emulators.families.cursors import Cursors
from tests.emulators.families.model import Model
from tests.emulators.families.plain import STAMP, at
from tests.emulators.faults import Reply
from tests.emulators.world import Row

CAP = 60


@dataclass(frozen=True, slots=True)
class _Listing:
    """A listing under way. ``ids``: what is still to come; ``seq``: what its change token will stand for."""

    ids: tuple[int, ...]
    seq: int


@dataclass(slots=True)
class Events:
    """As Google Calendar, People and Drive. Without a token: the living. With one: what changed since it.

    ``nextPageToken`` leads from page to page; only the last one has ``nextSyncToken``.
    A cancelled event is ``{"id": …, "status": "cancelled"}`` and stands only behind a change token.
    What changes while a listing is read comes behind its token. ``forget`` makes tokens too old.
    """

    settings: ClassVar[str] = "change_token.toml"
    model: Model
    pages: Cursors = field(default_factory=lambda: Cursors(prefix="page-"))
    tokens: Cursors = field(default_factory=lambda: Cursors(prefix="since-"))

    def answer(self, call: Call) -> Reply:
        call.only("maxResults", "pageToken", "syncToken")
        token, page = call.text("syncToken"), call.text("pageToken")
        seq = None if token is None else self.tokens.take(token, None)
        listing = self._begun(seq) if page is None else self.pages.take(page, token)
        size = min(call.count("maxResults", 250, most=2500), CAP)
        now, rest = listing.ids[:size], listing.ids[size:]
        items = [shown for number in now if (shown := self._show(number, cancelled=token is not None))]
        document: dict[str, Any] = {"kind": "calendar#events", "items": items}
        if rest:
            document["nextPageToken"] = self.pages.give(_Listing(rest, listing.seq), token)
        else:
            document["nextSyncToken"] = self.tokens.give(listing.seq, None)
        return Reply(document=document)

    def forget(self) -> None:
        """All that was given out until now is too old."""
        self.pages.expire()
        self.tokens.expire()

    def shown(self) -> Shown:
        return {f'"{event_id(row.id)}"': _event(row) for row in self.model.newest()}

    def buried(self) -> set[str]:
        return {f'"{event_id(number)}"' for number in self.model.graves}

    def _begun(self, seq: int | None) -> _Listing:
        if seq is None:
            return _Listing(tuple(sorted(self.model.ids())), self.model.seq)
        return _Listing(tuple(event.row.id for event in self.model.after(seq)), self.model.seq)

    def _show(self, number: int, *, cancelled: bool) -> dict[str, Any] | None:
        if number in self.model.graves:
            return {"id": event_id(number), "status": "cancelled"} if cancelled else None
        return _event(self.model.row(number))


@dataclass(slots=True)
class Persons:
    """As Microsoft Graph: ``@odata.nextLink`` from page to page, ``@odata.deltaLink`` on the last one.

    Both are whole URLs. A removed user is ``{"id": …, "@removed": {"reason": "deleted"}}``. A row that
    changes while a listing is read may come twice. ``located``: a 410 says where to begin again.
    """

    settings: ClassVar[str] = "delta_link.toml"
    path: ClassVar[str] = "/v1.0/users/delta"
    model: Model
    located: bool = False
    links: Cursors = field(default_factory=Cursors)

    def answer(self, call: Call) -> Reply:
        call.only("$select", "$skiptoken", "$deltatoken")
        skip, delta = call.text("$skiptoken"), call.text("$deltatoken")
        listing, changes = self._listing(call, skip, delta)
        wanted = (call.asked.header("Prefer") or "").removeprefix("odata.maxpagesize=")
        size = min(int(wanted) if wanted.isdecimal() else 100, CAP)
        now, rest = listing.ids[:size], listing.ids[size:]
        value = [shown for number in now if (shown := self._show(number, removed=changes))]
        document: dict[str, Any] = {"@odata.context": f"{call.origin}/v1.0/$metadata#users", "value": value}
        if rest:
            link = self.links.give((_Listing(rest, listing.seq), changes), "$skiptoken")
            document["@odata.nextLink"] = f"{call.origin}{self.path}?%24skiptoken={link}"
        else:
            link = self.links.give((listing.seq, True), "$deltatoken")
            document["@odata.deltaLink"] = f"{call.origin}{self.path}?%24deltatoken={link}"
        return Reply(document=document)

    def forget(self) -> None:
        """Every link that was given out until now is too old."""
        self.links.expire()

    def shown(self) -> Shown:
        return {f'"{guid(row.id)}"': _user(row) for row in self.model.newest()}

    def buried(self) -> set[str]:
        return {f'"{guid(number)}"' for number in self.model.graves}

    def _listing(self, call: Call, skip: str | None, delta: str | None) -> tuple[_Listing, bool]:
        """The listing at hand, and whether it is one of changes."""
        if skip is None and delta is None:
            call.needs("$select")
            return _Listing(tuple(sorted(self.model.ids())), self.model.seq), False
        try:
            if skip is not None:
                listing, changes = self.links.take(skip, "$skiptoken")
                return listing, changes
            seq, _ = self.links.take(str(delta), "$deltatoken")
        except Refused as refused:
            again = f"{call.origin}{self.path}?$skiptoken="
            headers = (("Location", again),) if self.located else ()
            raise Refused(410, "resyncRequired", headers) from refused
        return _Listing(tuple(event.row.id for event in self.model.after(seq)), self.model.seq), True

    def _show(self, number: int, *, removed: bool) -> dict[str, Any] | None:
        if number in self.model.graves:
            return {"id": guid(number), "@removed": {"reason": "deleted"}} if removed else None
        return _user(self.model.row(number))


def event_id(number: int) -> str:
    return f"ev{number:05d}"


def guid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{number * 7:012x}"


def _event(row: Row) -> dict[str, Any]:
    return {"id": event_id(row.id), "status": "confirmed", "updated": STAMP.write(at(row)), **row.fields}


def _user(row: Row) -> dict[str, Any]:
    return {"id": guid(row.id), "displayName": row.fields["name"], **row.fields}
