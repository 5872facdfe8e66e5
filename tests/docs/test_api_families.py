"""The settings on the page about families of APIs are those that the emulators are polled with."""

from __future__ import annotations

from pathlib import Path

import pytest

from poller.config.load import load
from tests.docs.snippets import CHECKOUT, snippets

PAGE = CHECKOUT / "docs" / "how-to" / "api-families.md"
BESIDE = CHECKOUT / "tests" / "emulators" / "families"
SHOWN = {
    snippet.option("file") or "": snippet.text for snippet in snippets(PAGE) if snippet.language == "toml"
}


def test_the_page_shows_every_file_that_stands_beside_an_emulator() -> None:
    assert set(SHOWN) == {path.name for path in BESIDE.glob("*.toml")}


@pytest.mark.parametrize("name", SHOWN)
def test_a_file_on_the_page_is_the_one_that_is_tested_and_can_be_read(name: str, tmp_path: Path) -> None:
    copied = tmp_path / name
    copied.write_text(SHOWN[name])

    settings = load(copied, {})

    assert SHOWN[name] == (BESIDE / name).read_text()
    assert settings.streams
    assert settings.warnings == ()
