"""What planted defects showed that no other test looked at: each test here kills mutants of its own."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from string import ascii_lowercase

import pytest

from poller.core.errors import ScanError
from poller.core.position import SECOND
from poller.http.redact import RedactingFilter, Redactor
from tests.core.model_api import BEGIN, ModelApi, Row
from tests.core.model_memory import ModelMemory
from tests.core.test_scan import fill, stream_for


def test_a_keyset_scan_asks_behind_a_tie_group_that_a_capped_first_page_may_have_cut() -> None:
    api = ModelApi(paging="none", cap=7, now=BEGIN - 60 * SECOND)
    for _ in range(9):
        api.insert()
    for _ in range(5):
        api.tick(SECOND)
        api.insert()
    api.now = BEGIN
    memory = ModelMemory(stream_for(api))

    with pytest.raises(ScanError, match="more records share the position"):
        memory.poll(api)

    assert memory.watermark is None


@dataclass
class SealedApi(ModelApi):
    """Its cursors are row numbers, and nothing in them shows it."""

    sealed: dict[str, int] = field(default_factory=dict)

    def _cursor(self, rows: list[Row], end: int) -> str:
        token = "".join(self.rng.choices(ascii_lowercase, k=12))
        self.sealed[token] = end
        return token

    def _begin(self, listing: list[Row], params: dict[str, str]) -> int:
        return self.sealed[params["cursor"]] if "cursor" in params else 0


def delete_what_was_read(api: ModelApi) -> None:
    """In front of the fourth answer: the rows behind slide towards the front."""
    if api.answers == 3:
        for number in (1, 2, 3):
            api.delete(number)


@pytest.mark.parametrize(
    "api",
    [
        pytest.param(SealedApi(paging="offset_cursor"), id="a row number sealed in a cursor, ascending"),
        pytest.param(ModelApi(paging="offset", sort="insertion"), id="row numbers, in no order"),
    ],
)
def test_a_first_load_finds_the_rows_that_deletes_let_slide_past_it(api: ModelApi) -> None:
    fill(api, 60, 0)
    api.before_answer = delete_what_was_read
    memory = ModelMemory(stream_for(api))

    memory.poll(api)

    truth = api.truth()
    assert {key: memory.mirror().get(key) for key in truth} == truth
    assert memory.watermark is not None


def test_a_traceback_that_quotes_a_secret_is_written_without_it() -> None:
    redactor = Redactor()
    redactor.learn("hunter22")
    broken = ValueError("401 for https://api.example/?q=hunter22")
    caught = (ValueError, broken, None)
    record = logging.LogRecord("httpx", logging.ERROR, __file__, 1, "it broke", None, caught)

    RedactingFilter(redactor).filter(record)

    written = logging.Formatter().format(record)
    assert "ValueError: 401 for https://api.example/?q=***" in written
    assert "hunter22" not in written
