"""The garbage collector during polls."""

from __future__ import annotations

import gc

from poller.engine.garbage import short_lives


def test_what_was_there_before_is_not_looked_at_inside_and_everything_is_as_before_behind() -> None:
    before, frozen = gc.get_threshold(), gc.get_freeze_count()

    with short_lives():
        inside = (gc.get_threshold()[0], gc.get_freeze_count())

    assert inside[0] > before[0]
    assert inside[1] > frozen + 10_000
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)
