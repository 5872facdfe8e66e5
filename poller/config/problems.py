"""Collects all that is wrong with the settings, each with its place, before anything is raised."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from operator import attrgetter

from poller.config.places import KeyPath, Place, Places
from poller.core.errors import SettingsError


class SettingsProblems(SettingsError):
    """Everything that is wrong with the settings at once; ``problems`` in the order of the file.

    Its own place, key and hint are those of the first problem.
    """

    def __init__(self, problems: tuple[SettingsError, ...]) -> None:
        first = problems[0]
        super().__init__(
            first.message,
            file=first.file,
            line=first.line,
            column=first.column,
            key=first.key,
            hint=first.hint,
        )
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where settings come from: the file with its places, and the variables that override it."""

    file: str
    places: Places
    variables: Mapping[KeyPath, str]
    """Key path → name of the environment variable that set it."""
    shared: bool = False
    """Whether others than the file's owner may read it."""

    def variable(self, path: KeyPath) -> str | None:
        """The variable that set the value at ``path`` or made the table around it; None for the file."""
        around = [path[:length] for length in range(len(path), 0, -1)]
        named = next((self.variables[each] for each in around if each in self.variables), None)
        if named is not None:
            return named
        for each in around:
            if each in self.places.by_path:
                return None
            inside = (name for given, name in self.variables.items() if given[: len(each)] == each)
            if (named := next(inside, None)) is not None:
                return named
        return None


class Findings:
    """The problems and warnings so far. Each method names the key that it is about by its path."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self._problems: list[SettingsError] = []
        self._warnings: list[str] = []

    def at_value(self, path: KeyPath, message: str, hint: str | None = None) -> None:
        """The value at ``path`` is wrong."""
        self._problems.append(self._located(path, message, hint, attrgetter("start")))

    def at_key(self, path: KeyPath, message: str, hint: str | None = None) -> None:
        """The key at ``path`` should not be there, or lacks something inside it."""
        self._problems.append(self._located(path, message, hint, attrgetter("key")))

    def warn(self, path: KeyPath, message: str) -> None:
        """Not wrong, and worth a sentence."""
        self._warnings.append(str(self._located(path, message, None, attrgetter("start"))))

    def outside(self, message: str, hint: str | None = None) -> None:
        """A problem that no key has: a variable that nobody reads."""
        self._problems.append(SettingsError(message, hint=hint))

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._warnings))

    @property
    def problems(self) -> tuple[SettingsError, ...]:
        """In the order of the file; those without a place last."""
        unique = {(str(each), each.hint): each for each in self._problems}
        return tuple(
            sorted(unique.values(), key=lambda each: (each.line is None, each.line or 0, each.column or 0))
        )

    def raise_any(self) -> None:
        """Raises SettingsProblems when there is a problem."""
        if self.problems:
            raise SettingsProblems(self.problems)

    def _located(
        self, path: KeyPath, message: str, hint: str | None, point: Callable[[Place], int]
    ) -> SettingsError:
        places = self.origin.places
        while path and isinstance(path[-1], int) and path not in places.by_path:
            path = path[:-1]
        key = dotted(path) or None
        variable = self.origin.variable(path)
        if variable is not None:
            return SettingsError(f"{message} (from the environment variable {variable})", key=key, hint=hint)
        known = next((path[:n] for n in range(len(path), 0, -1) if path[:n] in places.by_path), None)
        if known is None:
            return SettingsError(message, file=self.origin.file, key=key, hint=hint)
        place = places.by_path[known]
        offset = point(place) if known == path else place.key
        line, column = places.line_and_column(offset)
        return SettingsError(message, file=self.origin.file, line=line, column=column, key=key, hint=hint)


def dotted(path: KeyPath) -> str:
    """``sources.crm.rate_limit[0]``; names that TOML would quote are quoted."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else json.dumps(part, ensure_ascii=False)
            text += f".{name}" if text else name
    return text


def did_you_mean(name: str, known: Collection[str]) -> str:
    """``did you mean "limit"?`` or, when nothing is close, what there is."""
    low = name.lower()
    abridged = [each for each in known if len(low) > 1 and (low.startswith(each) or each.startswith(low))]
    close = difflib.get_close_matches(low, known, n=1, cutoff=0.6) or abridged
    return f'did you mean "{close[0]}"?' if close else f"known here: {', '.join(sorted(known))}"
