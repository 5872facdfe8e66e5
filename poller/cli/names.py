"""Which streams the words on the command line mean."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from poller.cli.failures import UsageError


def chosen(words: Sequence[str], known: Sequence[str]) -> list[str]:
    """The names ``source.stream`` that ``words`` mean, in the order of ``known``; none mean all.

    A source alone means all of its streams. Raises UsageError for a name that is not known.
    """
    if not words:
        return list(known)
    meant: set[str] = set()
    for word in words:
        found = {name for name in known if word in (name, source_of(name))}
        if not found:
            raise UsageError(f"there is no stream {word!r}", hint=_near(word, known))
        meant |= found
    return [name for name in known if name in meant]


def one(word: str, known: Sequence[str]) -> str:
    """The one stream that ``word`` means. Raises UsageError when it means none, or several."""
    found = chosen([word], known)
    if len(found) > 1:
        raise UsageError(
            f"{word} has {len(found)} streams, and this takes one", hint=f"name one of {', '.join(found)}"
        )
    return found[0]


def source_of(name: str) -> str:
    """The source of ``source.stream``."""
    return name.partition(".")[0]


def did_you_mean(word: str, known: Collection[str]) -> str | None:
    """``did you mean x?``; None when nothing is close."""
    import difflib

    folded = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=0.6)
    return f"did you mean {folded[close[0]]}?" if close else None


def _near(word: str, known: Sequence[str]) -> str:
    if not known:
        return "no streams are known yet: see `poller init`"
    sources = dict.fromkeys(map(source_of, known))
    close = did_you_mean(word, [*known, *sources])
    return close or f"there are {', '.join(known)}"
