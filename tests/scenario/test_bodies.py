"""A 200 that is no page is an error, never "no records"."""

from __future__ import annotations

import pytest

from tests.emulators.faults import (
    BodyCode,
    CutOff,
    Dropped,
    Fault,
    HalfDocument,
    HtmlPage,
    RecordsAre,
    Status,
    WithoutRecords,
)
from tests.scenario.conftest import OpenWorld
from tests.scenario.world import fill

NO_PAGES: list[Fault] = [
    HtmlPage(),
    HalfDocument(),
    WithoutRecords(),
    RecordsAre(None),
    RecordsAre({"id": 1}),
    RecordsAre("none"),
]
KEPT_AS_PAGE = "page"


@pytest.mark.parametrize("fault", NO_PAGES, ids=repr)
def test_a_body_that_is_no_page_fails_the_run_and_is_kept(open_world: OpenWorld, fault: Fault) -> None:
    world = open_world({"paging": "offset"})
    fill(world.model, 40)
    world.source.fault(3, *[fault] * 3)

    report = world.failing_poll()
    kept = world.letters()
    watermark = world.watermark()
    world.quiet_poll()

    assert "is no page" in (report.error or "")
    assert [reason for reason, _ in kept] == [KEPT_AS_PAGE]
    assert watermark is None
    assert world.mirror() == world.source.truth()
    assert world.letters() == []


@pytest.mark.parametrize("fault", [*NO_PAGES, CutOff(), Dropped(), Status(503)], ids=repr)
def test_what_passes_by_is_repeated_within_the_run(open_world: OpenWorld, fault: Fault) -> None:
    world = open_world({"paging": "keyset_cursor", "sort": "desc"})
    fill(world.model, 40)
    world.source.fault(2, fault, fault)

    world.poll()

    assert world.mirror() == world.source.truth()


def test_an_error_code_in_a_200_body_is_obeyed(open_world: OpenWorld) -> None:
    errors = {"status": "statusCode", "ok": [0], "retry": [10], "fail": [5], "message": "message"}
    world = open_world({"paging": "offset"}, errors=errors)
    fill(world.model, 40)
    world.source.fault(2, BodyCode(code=10))
    world.poll()
    world.pass_time()
    world.model.update(1)

    world.source.fault_next(BodyCode(code=5, message="quota of records exceeded"))
    refused = world.failing_poll()
    world.quiet_poll()

    assert refused.requests == 1
    assert "quota of records exceeded" in (refused.error or "")
    assert world.mirror() == world.source.truth()


def test_an_error_code_with_an_empty_list_of_records_is_not_the_end(open_world: OpenWorld) -> None:
    errors = {"status": "statusCode", "ok": [0], "retry": [10]}
    world = open_world({"paging": "offset"}, errors=errors)
    fill(world.model, 40)
    world.source.fault(3, *[BodyCode(code=99, records=[])] * 3)

    report = world.failing_poll()

    assert "99" in (report.error or "")
    assert world.watermark() is None
