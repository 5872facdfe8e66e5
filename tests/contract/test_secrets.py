"""Every place where secrets are kept gives the value as it is now, and never shows it in an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from poller.core.errors import SettingsError
from poller.core.model import Secret
from poller.secrets import keeper_of, kinds, reveal


def test_the_schemes_are_found_by_name() -> None:
    assert {"env", "file"} <= set(kinds())


@pytest.mark.parametrize("scheme", sorted(kinds()))
def test_a_scheme_is_documented(scheme: str) -> None:
    kind = kinds()[scheme]

    assert kind.__doc__
    assert hasattr(kind, "read")


@pytest.mark.parametrize("scheme", sorted(kinds()))
def test_a_place_where_nothing_is_kept_is_named_with_what_to_do(scheme: str) -> None:
    reference = f"{scheme}:/nothing/is/kept/HERE"

    with pytest.raises(SettingsError, match=reference) as caught:
        reveal(Secret(reference))

    assert caught.value.hint


def test_an_environment_variable_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLLER_TEST_KEY", "abc")

    assert reveal(Secret("env:POLLER_TEST_KEY")) == "abc"


@pytest.mark.parametrize("content", ["abc", "abc\n", "abc\r\n"])
def test_a_file_is_read_less_one_line_break(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_bytes(content.encode())

    assert reveal(Secret(f"file:{tmp_path}/key")) == "abc"


def test_a_file_is_read_afresh_each_time(tmp_path: Path) -> None:
    kept = tmp_path / "key"
    kept.write_text("old")
    secret = Secret(f"file:{kept}")
    before = reveal(secret)

    kept.write_text("new")

    assert (before, reveal(secret)) == ("old", "new")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"hunter2\n\n", "line break"),
        (b"hunter2\r\nX-Evil: 1", "line break"),
        (b"hunter2\xff", "not text"),
        (b"hunter2\x00", "control character"),
        (b" hunter2", "white space"),
        (b"hunter2" * 20_000, "larger than"),
    ],
)
def test_a_value_that_is_surely_no_secret_is_refused_without_showing_it(
    tmp_path: Path, content: bytes, why: str
) -> None:
    kept = tmp_path / "key"
    kept.write_bytes(content)

    with pytest.raises(SettingsError, match=why) as caught:
        reveal(Secret(f"file:{kept}"))

    told = f"{caught.value} {caught.value.hint} {caught.value.__cause__!r}"
    assert str(kept) in told
    assert "nter2" not in told


def test_a_secret_may_be_any_text(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("pässwörd ☃", encoding="utf-8")

    assert reveal(Secret(f"file:{tmp_path}/key")) == "pässwörd ☃"


def test_a_folder_is_no_secret(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        reveal(Secret(f"file:{tmp_path}"))


@pytest.mark.parametrize("text", ["sk_live_123", "unknown:thing", "https://x", "a:b:c", ":"])
def test_a_text_without_a_known_scheme_is_the_secret_itself(text: str) -> None:
    assert reveal(Secret(text)) == text
    assert keeper_of(Secret(text)) is None


def test_a_wrong_literal_is_not_shown() -> None:
    with pytest.raises(SettingsError, match="written into the settings") as caught:
        reveal(Secret("hunter\n2"))

    assert "hunter" not in str(caught.value)


def test_a_secret_does_not_show_itself() -> None:
    assert "hunter2" not in f"{Secret('hunter2')!r} {Secret('hunter2')}"
