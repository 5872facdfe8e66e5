"""A memory as values: the merge rules in ten lines, a checkpoint, and a crash wherever one is wanted."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace

from poller.core.errors import FetchError
from poller.core.model import Stream
from poller.core.page import Page, Record, Validators
from poller.core.poll import poll
from poller.core.scan.smaller import UNREADABLE
from poller.core.steps import (
    Answer,
    Checkpoint,
    Commit,
    Committed,
    Declined,
    Exchange,
    Exchanged,
    Expired,
    Fetch,
    Fetched,
    NoticeKind,
    Step,
    Unreadable,
)
from poller.core.verdict import Again, judge
from poller.core.window import plan_window
from tests.core.model_api import ModelApi
from tests.core.model_feed import ModelFeed


class Crash(Exception):
    """The process dies here."""


@dataclass
class ModelMemory:
    """Mirror, watermark and checkpoint of one stream."""

    stream: Stream
    rows: dict[str, Record] = field(default_factory=dict)
    watermark: int | None = None
    watermark_text: str | None = None
    highest: int | None = None
    checkpoint: Checkpoint | None = None
    fetches: int = 0
    commits: int = 0
    total: Committed = field(default_factory=Committed)
    notices: list[NoticeKind] = field(default_factory=list)
    rejects: list[bytes] = field(default_factory=list)
    crash_at: int | None = None
    validators: Validators | None = None
    listings: list[bool] = field(default_factory=list)
    """Of the last poll: one per page of a full listing, true for its first."""

    @property
    def pages_of_listing(self) -> int:
        return len(self.listings)

    def poll(self, api: ModelApi | ModelFeed) -> None:
        """One poll to its end, or to the crash."""
        self.listings.clear()
        scan = plan_window(
            self.stream,
            "same",
            api.clock(),
            watermark=self.watermark,
            watermark_text=self.watermark_text,
            previous_highest=self.highest,
            validators=self.validators,
        )
        self.drive(poll(scan, self.checkpoint), api)

    def drive(self, flow: Generator[Step, Answer, object], api: ModelApi | ModelFeed) -> None:
        answer: Answer = None
        while True:
            try:
                step = flow.send(answer)
            except StopIteration:
                return
            match step:
                case Fetch():
                    answer = self._fetch(step, api)
                case Commit():
                    answer = self._commit(step)
                case Exchange(commit, fetch):
                    fetched = self._fetch(fetch, api)
                    answer = Exchanged(self._commit(commit), fetched)

    def mirror(self) -> dict[str, int]:
        return {r.key: r.fields["version"] for r in self.rows.values() if not r.deleted}

    def _fetch(self, fetch: Fetch, api: ModelApi | ModelFeed) -> Fetched:
        self.fetches += 1
        verdict = judge(self.stream, fetch, api.answer(fetch.request))
        if isinstance(verdict, Page | Expired | Declined):
            return verdict
        if isinstance(verdict, Again) and verdict.category in UNREADABLE:
            return Unreadable(FetchError(verdict.category, verdict.reason, body=verdict.kept))
        raise FetchError(verdict.category if isinstance(verdict, Again) else "refused", str(verdict))  # type: ignore[arg-type]

    def _commit(self, commit: Commit) -> Committed:
        if self.crash_at is not None and self.commits >= self.crash_at:
            self.crash_at = None
            raise Crash
        self.commits += 1
        done = Committed()
        for record in commit.records:
            done += self._merge(record, commit)
        self.total += done
        self.rejects += [reject.payload for reject in commit.rejects]
        self.notices += [notice.kind for notice in commit.notices]
        if commit.listing is not None:
            self.listings.append(commit.listing.first)
        assert (commit.checkpoint is None) != (commit.finish is None)
        self.checkpoint = None if commit.checkpoint is None else replace(commit.checkpoint, fresh=done.fresh)
        if commit.finish is not None:
            self.highest = commit.finish.highest if commit.finish.highest is not None else self.highest
            self.validators = commit.finish.validators
            if commit.finish.token is not None:
                self.watermark_text = commit.finish.token
            if commit.finish.watermark is not None:
                assert self.watermark is None or commit.finish.watermark > self.watermark
                self.watermark = commit.finish.watermark
                self.watermark_text = commit.finish.watermark_text
        return done

    def _merge(self, record: Record, commit: Commit) -> Committed:
        held = self.rows.get(record.key)
        if held is not None and held.digest == record.digest:
            return Committed(unchanged=1)
        if held is not None and _is_older(record, held):
            return Committed(refused=1)
        self.rows[record.key] = record
        through = commit.fresh_through
        fresh = 1 if through is None or record.position is None or record.position <= through else 0
        one = Committed(fresh=fresh)
        return replace(one, inserted=1) if held is None else replace(one, updated=1)


def _is_older(record: Record, held: Record) -> bool:
    return record.position is not None and held.position is not None and record.position < held.position
