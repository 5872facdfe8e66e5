"""Where a stream stands, in one value."""

from __future__ import annotations

from dataclasses import replace

from poller.core.runs import StreamState

NEW = StreamState(
    epoch=1,
    watermark=None,
    watermark_text=None,
    highest=None,
    complete_through=None,
    drained_once=False,
    fingerprint=None,
    checkpoint=None,
)


def test_a_stream_stands_at_its_watermark_or_at_its_token() -> None:
    assert NEW.place is None
    assert replace(NEW, watermark_text="sync-7").place == "sync-7"
    assert replace(NEW, watermark=7, watermark_text="1970").place == 7
