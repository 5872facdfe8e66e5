"""The core and the plugins decide: no clock, no dice, no files, and no test of a cursor for truth."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import modules, name_of, tree_of

# Calls that bring in the outside world, by the dotted name as it is written.
IMPURE_CALLS = frozenset(
    {
        "breakpoint",
        "date.today",
        "datetime.now",
        "datetime.today",
        "datetime.utcnow",
        "eval",
        "exec",
        "input",
        "Instant.now",
        "open",
        "print",
        "ZonedDateTime.now",
    }
)
IMPURE_MODULES = frozenset(
    {"os", "random", "secrets", "socket", "subprocess", "sys", "threading", "time", "urllib.request", "uuid"}
)

# "file" → the names that it may use all the same, and why.
EXCEPTIONS: dict[str, tuple[frozenset[str], str]] = {
    "poller/pagers/__init__.py": (
        frozenset({"sys"}),
        "A plugin package hands itself to the discovery, and sys.modules is how a module names itself.",
    ),
}

# An empty text is a token and 0 is an offset: these are compared with None or with a number, never tested.
NEVER_TESTED = frozenset({"cursor", "token", "offset", "count", "position", "watermark"})
PREDICATES = frozenset({"is", "has", "had", "was", "knows", "wants", "needs"})

PURE = [module for folder in ("core", "pagers", "schedules") for module in modules(f"poller/{folder}")]


@pytest.mark.parametrize("module", PURE, ids=name_of)
def test_a_decision_depends_on_its_arguments_alone(module: Path) -> None:
    allowed = EXCEPTIONS.get(name_of(module), (frozenset[str](), ""))[0]

    impure = sorted(set(_impure(tree_of(module))) - allowed)

    assert not impure, f"{name_of(module)}: hand these in as arguments instead: {impure}"


@pytest.mark.parametrize("module", modules(), ids=name_of)
def test_no_cursor_offset_or_count_is_tested_for_truth(module: Path) -> None:
    tested = sorted(set(_tested_for_truth(tree_of(module))))

    assert not tested, f'{name_of(module)}: "" is a token and 0 is an offset; compare with None: {tested}'


def test_every_exception_is_still_needed() -> None:
    by_name = {name_of(module): set(_impure(tree_of(module))) for module in PURE}

    for file, (names, sentence) in EXCEPTIONS.items():
        assert names <= by_name.get(file, set()), f"{file}: take what is not used any more out of EXCEPTIONS"
        assert len(sentence.split()) >= 5, f"{file} needs a sentence, not {sentence!r}"


def test_the_search_finds_what_it_should() -> None:
    clock = ast.parse("import time\nfrom random import choice\nnow = datetime.now(UTC)\nopen('x')\n")
    truth = ast.parse(
        "if cursor: pass\nwhile not page.offset: pass\nx = a if next_token else b\ny = row_count or 1"
    )
    fine = ast.parse("if cursor is None: pass\nif offset > 0: pass\nif has_cursor: pass\nx = offset or 0")

    assert set(_impure(clock)) == {"time", "random", "datetime.now", "open"}
    assert set(_tested_for_truth(truth)) == {"cursor", "offset", "next_token", "row_count"}
    assert set(_tested_for_truth(fine)) == set()


def _impure(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from {alias.name.split(".")[0] for alias in node.names} & IMPURE_MODULES
            yield from {alias.name for alias in node.names} & IMPURE_MODULES
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from {node.module.split(".")[0], node.module} & IMPURE_MODULES
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in IMPURE_CALLS:
            yield ast.unparse(node.func)


def _tested_for_truth(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        for name in map(_name, _tests(node)):
            words = name.lower().split("_")
            if words[-1] in NEVER_TESTED and words[0] not in PREDICATES:
                yield name


def _tests(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        yield node.test
    elif isinstance(node, ast.BoolOp):
        # `offset or 0` and `token or ""` give back what they were given: no truth is lost.
        last = node.values[-1]
        is_default = isinstance(node.op, ast.Or) and isinstance(last, ast.Constant) and last.value in (0, "")
        yield from [] if is_default else node.values
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.comprehension):
        yield from node.ifs


def _name(test: ast.expr) -> str:
    if isinstance(test, ast.Attribute):
        return test.attr
    return test.id if isinstance(test, ast.Name) else ""
