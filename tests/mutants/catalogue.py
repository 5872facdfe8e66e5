"""Reads mutants.toml: which defects there are, and whether each still fits the code."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path


class CatalogueError(Exception):
    """An entry of mutants.toml that cannot be planted; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One planted defect.

    ``name`` is unique; ``file`` a path in the checkout; ``original`` stands in it exactly
    once and becomes ``replacement``; ``why`` says what would be lost if nobody noticed;
    ``tests`` are the paths (or ``path::test``) of which at least one must fail.
    """

    name: str
    file: str
    original: str
    replacement: str
    why: str
    tests: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.original == self.replacement:
            raise CatalogueError(f"{self.name}: the replacement is the original")
        if not self.tests:
            raise CatalogueError(f"{self.name}: no tests are named")
        if len(self.why.split()) < 4:
            raise CatalogueError(f"{self.name}: say in a sentence why it must be caught")

    def planted(self, text: str) -> str:
        """The file's text with the defect in it. Raises CatalogueError when the snippet does not fit."""
        found = text.count(self.original)
        if found != 1:
            raise CatalogueError(
                f"{self.name}: the original stands {found} times in {self.file}, not once; "
                "the code moved on: write the entry anew"
            )
        return text.replace(self.original, self.replacement)


def load(path: Path) -> list[Mutant]:
    """Every ``[[mutant]]`` of the file, in its order. Raises CatalogueError for one that is malformed."""
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("mutant", [])
    mutants = [_read(entry) for entry in entries]
    names = [mutant.name for mutant in mutants]
    for name in names:
        if names.count(name) > 1:
            raise CatalogueError(f"{name}: the name is used twice")
    return mutants


def _read(entry: dict[str, object]) -> Mutant:
    try:
        tests = entry.pop("tests")
        if not isinstance(tests, list):
            raise CatalogueError(f"{entry.get('name')}: tests must be a list of paths")
        mutant = Mutant(tests=tuple(map(str, tests)), **entry)  # type: ignore[arg-type]
    except (KeyError, TypeError) as error:
        raise CatalogueError(f"{entry.get('name', 'a mutant without a name')}: {error}") from error
    return mutant
