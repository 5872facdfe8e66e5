"""A value that no database can hold costs its own record, never its page-mates."""

from __future__ import annotations

import json

import pytest

from tests.emulators.faults import Raw
from tests.scenario.conftest import OpenWorld
from tests.scenario.world import Rewritten, World, fill


def without(world: World, poisoned: int) -> dict[int, dict[str, object]]:
    return {key: row for key, row in world.source.truth().items() if key != poisoned}


@pytest.mark.parametrize(
    ("raw", "piece"),
    [
        ("NaN", b"NaN"),
        ("-Infinity", b"-Infinity"),
        ('"\\ud800"', b"\\ud800"),
        ('"\\udc00\\ud800"', b"\\udc00"),
    ],
)
@pytest.mark.parametrize("paging", ["offset", "keyset_cursor", "next_url"])
def test_a_poison_value_is_a_dead_letter_and_its_page_mates_are_mirrored(
    open_world: OpenWorld, paging: str, raw: str, piece: bytes
) -> None:
    world = open_world({"paging": paging})
    fill(world.model, 25)
    world.model.update(13, note=Raw(raw))

    world.poll()
    ((reason, payload),) = world.letters()
    world.pass_time()
    world.model.update(13, note="mended")
    world.poll()

    assert reason == "value"
    assert piece in payload
    assert world.mirror() == world.source.truth()
    assert world.letters() == []


def test_the_watermark_passes_a_poisoned_record(open_world: OpenWorld) -> None:
    world = open_world({"paging": "offset"})
    fill(world.model, 25)
    world.model.insert(note=Raw("NaN"))
    world.model.insert()

    world.poll()
    world.quiet_poll()

    assert world.mirror() == without(world, 26)
    assert world.watermark() == world.model.row(27).at


@pytest.mark.parametrize("paging", ["offset", "keyset_cursor"])
def test_a_page_of_nothing_but_poison_does_not_end_the_scan(open_world: OpenWorld, paging: str) -> None:
    world = open_world({"paging": paging})
    fill(world.model, 45)
    for number in range(11, 35):
        world.model.update(number, world.model.row(number).at, note=Raw("NaN"))

    world.poll()

    healthy = {key: row for key, row in world.source.truth().items() if not 11 <= key < 35}
    assert world.mirror() == healthy
    assert len(world.letters()) == 24


@pytest.mark.parametrize(
    "raw",
    [
        "123456789012345678901234567890",
        "-9223372036854775809",
        "0.1000000000000000055511151231257827021181583404541015625",
        "1E+400",
    ],
)
def test_numbers_beyond_every_machine_type_are_exact(open_world: OpenWorld, raw: str) -> None:
    world = open_world({"paging": "offset"})
    fill(world.model, 15)
    world.model.update(3, amount=Raw(raw))

    world.poll()

    ((held, payload),) = world.rows("SELECT amount, _payload FROM api_rows WHERE id = 3")
    assert str(held) == raw
    assert f'"amount":{raw}' in payload
    assert world.column_type("amount") == "decimal"
    assert world.letters() == []


def test_a_column_that_held_small_integers_widens_without_losing_one(open_world: OpenWorld) -> None:
    world = open_world({"paging": "offset"})
    fill(world.model, 15)
    world.model.touch_many(range(1, 6), amount=7)
    world.poll()

    world.pass_time()
    world.model.update(6, amount=Raw("9007199254740993"))
    world.model.update(7, amount=Raw("123456789012345678901234567890"))
    world.model.update(8, amount="a word")
    world.poll()

    held = dict(tuple(row) for row in world.rows("SELECT id, amount FROM api_rows WHERE amount IS NOT NULL"))
    assert {key: str(value) for key, value in held.items()} == {
        **dict.fromkeys(range(1, 6), "7"),
        6: "9007199254740993",
        7: "123456789012345678901234567890",
        8: "a word",
    }


def test_a_nul_in_a_text_is_kept_where_the_database_can(open_world: OpenWorld) -> None:
    world = open_world({"paging": "offset"})
    fill(world.model, 15)
    world.model.update(3, note="before\0after")

    world.poll()

    assert world.mirror() == world.source.truth()
    ((held,),) = world.rows("SELECT note FROM api_rows WHERE id = 3")
    assert held == "before\0after"


def test_a_record_without_its_key_is_a_dead_letter_with_its_bytes(open_world: OpenWorld) -> None:
    world = open_world({"paging": "offset"})
    fill(world.model, 25)
    world.source.fault_next(*[Rewritten(lambda page: page["rows"].insert(1, {"name": "nobody"}))] * 12)

    world.poll()

    ((reason, payload),) = world.letters()
    assert (reason, json.loads(payload)) == ("key", {"name": "nobody"})
    assert world.mirror() == world.source.truth()
