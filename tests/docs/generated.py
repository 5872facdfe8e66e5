"""The pages that are made from the code; ``python -m tests.docs.generated`` writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from poller.cli.reference import commands_page
from poller.cli.reference_json import json_page
from poller.config.example import example_text
from poller.config.promises import promises_page
from poller.config.reference import reference_page
from tests.docs.snippets import CHECKOUT

GENERATED: Mapping[str, Callable[[], str]] = {
    "docs/json.md": json_page,
    "docs/reference/commands.md": commands_page,
    "docs/reference/guarantees.md": promises_page,
    "docs/reference/settings.md": reference_page,
    "settings.example.toml": example_text,
}
"""Each page from the top of the checkout, and what it has to say."""


def main() -> None:
    """Write every page that is not what the code says."""
    for name, page in GENERATED.items():
        file, text = CHECKOUT / name, page()
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            print(f"wrote {name}")


if __name__ == "__main__":
    main()
