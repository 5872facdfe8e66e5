"""Scan rules for feeds that are moved by a token alone: each page's token asks for the next page."""

from __future__ import annotations

from dataclasses import replace

from poller.core.errors import ScanError
from poller.core.page import Page
from poller.core.scan.course import Course, taken
from poller.core.scan.evidence import Evidence
from poller.core.scan.place import Place
from poller.core.window import Scan


def go_on(scan: Scan, place: Place, page: Page, seen: Evidence) -> Course:
    """The course after ``page``: the end is an empty page, or in a feed that shows its last row again a
    short one that leads nowhere. Raises ScanError for a page without a token, and for a full one that
    leads nowhere.
    """
    stays = page.token is not None and page.token == place.since_text
    if page.rows == 0 or (stays and page.rows < place.size):
        return Course(None)
    if stays:
        raise ScanError(
            f"a full page of {page.rows} records gave the token that it was asked with",
            hint="ask for larger pages: more records stand at one place of the feed than a page holds",
        )
    if page.token is None:
        where = "" if scan.rule.token is None else f" at {scan.rule.token}"
        raise ScanError(
            f"a page of {page.rows} records gave no token to go on from{where}",
            hint="check since.token: where does the answer say what to send next?",
        )
    return Course(replace(taken(place, page, seen), since_text=page.token))
