"""One record on a page that cannot be, or can hardly be, mirrored; its mates are as they should be."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.hostile.case import OK, Case, Hostile, Moment
from tests.hostile.script import Right

SHOWN = [
    (Moment.FIRST, 1),
    (Moment.MIDDLE, 4),
    (Moment.LATER, 5),
    (Moment.FIRST, 2),
    (Moment.MIDDLE, 5),
    (Moment.LATER, 4),
    (Moment.FIRST, 3),
]
"""Records that a hostile answer shows for the first time: at the beginning, in the middle, at the end."""
TURNS = 3

POISON = {
    "NaN": "NaN",
    "Infinity": "Infinity",
    "minus Infinity": "-Infinity",
    "NaN in a list in an object": '{"a":[1,NaN]}',
    "a lone surrogate, escaped": '"\\ud800"',
    "surrogates in the wrong order": '"\\udc00\\ud800"',
    "half a surrogate at the end": '"abc\\udbff"',
    "a lone surrogate in a name": '{"\\ud800":1}',
    "a lone surrogate, raw": '"\udced\udca0\udc80"',
    "invalid UTF-8": '"\udcff\udcfe"',
    "overlong UTF-8": '"\udcc0\udcaf"',
    "UTF-8 cut in the middle": '"\udce2\udc82"',
    "a control character": '"a\x01b"',
    "a raw line end": '"a\nb"',
    "a raw tab": '"a\tb"',
    "a raw NUL": '"a\0b"',
}
HARMLESS = {
    "1e400": "1e400",
    "minus 1e400": "-1e400",
    "1e-400": "1e-400",
    "two to the 53rd and one": "9007199254740993",
    "two to the 63rd": "9223372036854775808",
    "two to the 64th": "18446744073709551616",
    "thirty digits": "123456789012345678901234567890",
    "thirty digits behind the point": "0.123456789012345678901234567891",
    "minus zero": "-0.0",
    "an escaped NUL": '"a\\u0000b"',
    "a pair of surrogates": '"\\ud83d\\ude00"',
    "a noncharacter": '"\uffff"',
    "text from right to left": '"\u202eabc"',
    "an empty list": "[]",
    "an empty object": "{}",
    "null": "null",
    "an object with an empty name": '{"":1}',
    "a name twice inside": '{"a":1,"a":2}',
    "a name like a system column": '{"_key":1}',
    "text that looks like SQL": '"\'; DROP TABLE poller_streams; --"',
    "a long text": '"' + "x" * 300_000 + '"',
    "forty levels": "[" * 40 + "]" * 40,
}
AWKWARD = {
    "a number of a thousand digits": "9" * 1000,
    "a number of five thousand digits": "9" * 5000,
    "five thousand digits behind the point": "0." + "1" * 5000,
    "an exponent of nine digits": "1e999999999",
    "an exponent of twenty digits": "1e99999999999999999999",
    "a negative exponent of twenty digits": "1e-99999999999999999999",
    "two hundred levels": "[" * 200 + "]" * 200,
    "five thousand levels": "[" * 5000 + "]" * 5000,
    "a hundred thousand levels": "[" * 100_000 + "]" * 100_000,
    "a hundred thousand levels of objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
}
"""A letter or a row: either is right, and either way the mates are there."""

MEMBERS = {
    "three hundred members": ",".join(f'"m{number}":{number}' for number in range(300)),
    "a name of ten thousand letters": '"' + "n" * 10_000 + '":1',
    "an empty name": '"":1',
    "names that differ in case": '"Name":1,"NAME":2,"nAME":3',
    "names of our own columns": '"_key":1,"_payload":2,"_hash":3,"_seq":4,"_deleted_at":5',
    "a name with a quote": '"a\\"b":1',
    "a name with a NUL": '"a\\u0000b":1',
    "a name with a line end": '"a\\nb":1',
    "names in other scripts": '"имя":1,"名前":2',
    "the same name twice": '"twice":1,"twice":"two"',
    "an emoji for a name": '"\\ud83e\\uded0":1',
}

NO_RECORDS = {
    "null": "null",
    "a number": "17",
    "a text": '"row"',
    "true": "true",
    "a list": '[{"id":1}]',
    "an empty object": "{}",
    "without a key": '{"name":"nobody"}',
    "with null for a key": '{"id":null}',
    "with true for a key": '{"id":true}',
    "with an object for a key": '{"id":{"a":1}}',
    "with a list for a key": '{"id":[1,2]}',
    "with NaN for a key": '{"id":NaN}',
    "with a lone surrogate for a key": '{"id":"\\ud800"}',
    "with a key of a hundred thousand letters": '{"id":"' + "k" * 100_000 + '"}',
    "with its key in another case": '{"ID":7}',
}
POSITIONS = {
    "null": "null",
    "empty": '""',
    "a space": '" "',
    "garbage": '"the day before yesterday"',
    "zero": "0",
    "minus one": "-1",
    "a number": "17",
    "1e400": "1e400",
    "true": "true",
    "a list": '["2026-01-01T00:00:00Z"]',
    "an object": '{"$date":1}',
    "year zero": '"0000-01-01T00:00:00Z"',
    "zeros": '"0000-00-00T00:00:00Z"',
    "year one": '"0001-01-01T00:00:00Z"',
    "year one in the far east": '"0001-01-01T00:00:00+14:00"',
    "the last second of 9999": '"9999-12-31T23:59:59Z"',
    "the last second of 9999 in the far west": '"9999-12-31T23:59:59-12:00"',
    "year 99999": '"99999-01-01T00:00:00Z"',
    "year +10000": '"+010000-01-01T00:00:00Z"',
    "a negative year": '"-0044-03-15T12:00:00Z"',
    "years ahead": '"2098-01-01T00:00:00Z"',
    "the 30th of February": '"2026-02-30T00:00:00Z"',
    "the 25th hour": '"2026-11-21T25:00:00Z"',
    "a leap second": '"2016-12-31T23:59:60Z"',
    "an offset of 99 hours": '"2026-01-01T00:00:00+99:99"',
    "a date alone": '"2026-01-01"',
    "no zone": '"2026-01-01T00:00:00"',
    "a fraction of ten thousand digits": '"2026-01-01T00:00:00.' + "1" * 10_000 + 'Z"',
    "Arabic digits": '"\u0662\u0660\u0662\u0666-\u0660\u0661-\u0660\u0661T00:00:00Z"',
    "a NUL inside": '"2026-01-01T00:00:00\\u0000Z"',
    "a hundred thousand digits": '"' + "2" * 100_000 + '"',
    "an American date": '"01/02/2026 03:04 PM"',
    "SQL": '"\' OR 1=1 --"',
}


def cases() -> Iterator[Case]:
    yield from _poisoned()
    yield from _beside()
    yield from _dated()


def _poisoned() -> Iterator[Case]:
    for turn in range(TURNS):
        for number, (name, value) in enumerate(POISON.items()):
            moment, place = SHOWN[(number + 2 * turn) % len(SHOWN)]
            yield _poisoned_at(place, moment, name, value, lost=frozenset({place}), letters=1)
        for number, (name, value) in enumerate(HARMLESS.items()):
            moment, place = SHOWN[(number + 2 * turn) % len(SHOWN)]
            yield _poisoned_at(place, moment, name, value, letters=0)
        for number, (name, value) in enumerate(AWKWARD.items()):
            moment, place = SHOWN[(number + 2 * turn) % len(SHOWN)]
            yield _poisoned_at(place, moment, name, value, lost=frozenset({place}))
    for number, (name, members) in enumerate(MEMBERS.items()):
        moment, place = SHOWN[number % len(SHOWN)]
        yield _case(f"record {place} has {name}", _with_members(place, members), moment, frozenset({place}))


def _beside() -> Iterator[Case]:
    for place in (1, 2, 3):
        for number, (name, record) in enumerate(NO_RECORDS.items()):
            moment = list(Moment)[(number + place) % 3]
            yield _case(f"beside record {place} one {name}", _inserted(place, record), moment, letters=1)
    for number, (name, record) in enumerate(NO_RECORDS.items()):
        ten = _inserted(2, ",".join([record] * 10))
        yield _case(f"ten records {name}", ten, list(Moment)[number % 3], letters=1)


def _dated() -> Iterator[Case]:
    for number, (name, position) in enumerate(POSITIONS.items()):
        for place in (4, 5):
            moment = list(Moment)[(number + place) % 3]
            hostile = _replaced(place, "updated_at", position)
            yield _case(f"record {place} stands at {name}", hostile, moment, letters=0, place=place)


def _poisoned_at(
    place: int,
    moment: Moment,
    name: str,
    value: str,
    *,
    lost: frozenset[int] = frozenset(),
    letters: int | None = None,
) -> Case:
    hostile = _with_members(place, f'"extra":{value}')
    return _case(f"{name} in record {place}", hostile, moment, lost, letters=letters, place=place)


def _case(
    name: str,
    hostile: Hostile,
    moment: Moment,
    missing: frozenset[int] = frozenset(),
    *,
    letters: int | None = None,
    place: int | None = None,
) -> Case:
    poisoned = missing if place is None else frozenset({place})
    return Case(name, hostile, OK, moment, letters=letters, missing=missing, poisoned=poisoned, mates=True)


def _with_members(number: int, members: str) -> Hostile:
    def answer(right: Right) -> bytes:
        return right.answer(right.body([_added(row, number, members) for row in right.rows]))

    return answer


def _replaced(number: int, member: str, value: str) -> Hostile:
    def answer(right: Right) -> bytes:
        rows = [_changed(row, number, member, value) for row in right.rows]
        return right.answer(right.body(rows))

    return answer


def _inserted(place: int, record: str) -> Hostile:
    def answer(right: Right) -> bytes:
        return right.answer(right.body([*right.rows[: place - 1], record, *right.rows[place - 1 :]]))

    return answer


def _added(row: str, number: int, members: str) -> str:
    return f"{row[:-1]},{members}}}" if json.loads(row)["id"] == number else row


def _changed(row: str, number: int, member: str, value: str) -> str:
    fields = json.loads(row)
    if fields["id"] != number:
        return row
    others = ",".join(f'"{name}":{json.dumps(held)}' for name, held in fields.items() if name != member)
    return f'{{{others},"{member}":{value}}}'
