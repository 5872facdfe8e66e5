"""The fingerprint changes when a watermark loses its meaning, and at no other time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from poller.core.fingerprint import describe_change, fingerprint
from tests.config.written import RIGHT, changed, settings_of


def fingerprint_of(text: str, folder: Path) -> str:
    source = settings_of(text, folder).sources[0]
    return fingerprint(source, source.streams[0])


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("https://crm.example", "https://crm2.example", "base_url"),
        ('"/issues"', '"/tickets"', "path"),
        ('table = "issues"', 'table = "tickets"', "table"),
        ('after = "{since}"', 'after = "{since}", status = "*"', "params.status"),
        ('after = "{since}"', 'from = "{since}"', "params.from"),
        ('records = "items"', 'records = "rows"', "records"),
        ('records = "items"', 'method = "POST"\nrecords = "items"', "method"),
        ('records = "items"', 'method = "POST"\nbody = { a = 1 }\nrecords = "items"', "body"),
        ('records = "items"', 'headers = { X-Tenant = "a" }\nrecords = "items"', "headers.x-tenant"),
        ('timeout = "30s"', 'headers = { X-Tenant = "a" }', "headers.x-tenant"),
        ('key = "id"', 'key = ["account", "id"]', "key"),
        ('updated_at = "updated"', 'updated_at = "modified"', "updated_at"),
        ('order = "asc"', 'order = "key"', "order"),
        ('"rfc3339", lookback', '"unix", lookback', "since.format"),
        ('"rfc3339", lookback', '"rfc3339", timezone = "Europe/Oslo", lookback', "since.timezone"),
        ('"rfc3339", lookback', '"rfc3339", bound = "open", lookback', "since.bound"),
        ('"rfc3339", lookback', '"rfc3339", granularity = "1s", lookback', "since.granularity"),
        ('"rfc3339", lookback', '"rfc3339", start = "2024-01-01", lookback', "since.start"),
        ('offset = "{offset}"', 'cursor = "{cursor}"', "page.type"),
    ],
)
def test_what_gives_a_watermark_its_meaning_is_in_it(old: str, new: str, named: str, tmp_path: Path) -> None:
    text = changed(old, new)
    if named == "page.type":
        text = text.replace('type = "offset"', 'type = "cursor", next = "n"')

    before, after = fingerprint_of(RIGHT, tmp_path), fingerprint_of(text, tmp_path)

    assert before != after
    assert named in [change.split(":")[0] for change in describe_change(before, after).split("; ")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('schedule = "5m"', 'schedule = "1h"'),
        ("size = 100", 'size = 50, total = "total"'),
        ('lookback = "2m"', 'lookback = "1h", settle = "5s", history = "9d"'),
        ('schedule = "5m"', 'schedule = "5m"\nbudget = "1m"\ngrace = "9m"\nchanges = "off"\naccept = ["a"]'),
        (
            'schedule = "5m"',
            'schedule = "5m"\nretry = { attempts = 1 }\ntimeout = "9s"\nerrors = { status = "s" }',
        ),
        ("env:CRM_TOKEN", "env:OTHER_TOKEN"),
        ('timeout = "30s"', 'headers = { X-Api-Key = "env:KEY" }\nconcurrency = 1'),
        ('{ after = "{since}", offset = "{offset}"', '{ offset = "{offset}", after = "{since}"'),
        ('key = "id"', 'key = ["id"]'),
        ("https://crm.example", "https://crm.example/"),
    ],
)
def test_what_gives_it_none_is_not(old: str, new: str, tmp_path: Path) -> None:
    assert fingerprint_of(changed(old, new), tmp_path) == fingerprint_of(RIGHT, tmp_path)


def test_the_options_of_a_pager_are_in_it_as_they_are_written(tmp_path: Path) -> None:
    text = changed('"offset", size', '"next_url", next = "header:X-Next", size').replace(
        'offset = "{offset}", ', ""
    )

    written = json.loads(fingerprint_of(text, tmp_path))

    assert (written["page.type"], written["page.next"]) == ("NextUrl", "header:x-next")
    assert "page.size" not in written


def test_it_is_json_that_holds_no_secret_and_no_header_value(tmp_path: Path) -> None:
    text = changed("timeout", 'headers = { X-Token = "hunter2-1", X-Tenant = "hunter2-2" }\ntimeout').replace(
        "env:CRM_TOKEN", "hunter2-3"
    )

    written = fingerprint_of(text, tmp_path)

    assert "hunter2" not in written
    assert json.loads(written)["path"] == "/issues"


def test_a_change_is_described_by_its_settings(tmp_path: Path) -> None:
    text = RIGHT.replace('"/issues"', '"/tickets"').replace(
        'updated_at = "updated"', 'updated_at = "modified"'
    )
    text = text.replace('"rfc3339", ', '"rfc3339", timezone = "Europe/Oslo", ')

    described = describe_change(fingerprint_of(RIGHT, tmp_path), fingerprint_of(text, tmp_path))

    assert described == (
        'path: "/issues" → "/tickets"; since.timezone: nothing → "Europe/Oslo";'
        ' updated_at: "updated" → "modified"'
    )


@pytest.mark.parametrize("other", ["", "{", "[]", "5f3a"])
def test_what_another_version_wrote_is_called_so(other: str, tmp_path: Path) -> None:
    assert "another version" in describe_change(other, fingerprint_of(RIGHT, tmp_path))


def test_equal_fingerprints_differ_in_nothing() -> None:
    assert describe_change('{"a":1}', '{"a": 1}') == ""


def test_a_number_is_not_a_truth_value() -> None:
    assert describe_change('{"a":1}', '{"a":true}') == "a: 1 → true"
