"""The tail of the code stays short, and every module opens with its promise."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import Function, functions, modules, name_of

FILE_LINES = 300
FUNCTION_LINES = 45
NESTING = 3
BRANCHES = 10

# What may be larger, and why; each entry is "file" or "file::function", with a sentence for the reader.
# A test below fails when an entry is no longer needed.
EXCEPTIONS: dict[str, str] = {
    "poller/store/tables.py": "every system table stands on one page: it is the map of the database",
}

_NESTS = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Match)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


@pytest.mark.parametrize("module", modules(), ids=name_of)
def test_a_file_is_one_room(module: Path) -> None:
    lines = len(module.read_text().splitlines())

    assert lines <= FILE_LINES or name_of(module) in EXCEPTIONS, (
        f"{name_of(module)} has {lines} lines, more than {FILE_LINES}: split it by what it decides, "
        "or give it a sentence in EXCEPTIONS"
    )


@pytest.mark.parametrize("module", modules(), ids=name_of)
def test_a_module_opens_with_what_it_decides_or_does(module: Path) -> None:
    tree = ast.parse(module.read_text())

    promise = ast.get_docstring(tree)

    assert promise, f"{name_of(module)} has no docstring: one sentence that says what it decides or does"
    assert promise.splitlines()[0].rstrip()[-1] in ".:?…", f"not a sentence: {promise.splitlines()[0]!r}"


@pytest.mark.parametrize("module", modules(), ids=name_of)
def test_functions_fit_on_a_screen(module: Path) -> None:
    too_large = [
        f"{function.label}: {problem}"
        for function in functions(module)
        if function.label not in EXCEPTIONS
        for problem in oversize(function)
    ]

    assert not too_large, "split these, or give each a sentence in EXCEPTIONS:\n" + "\n".join(too_large)


def test_every_exception_is_still_needed_and_has_a_sentence() -> None:
    present = {name_of(module): len(module.read_text().splitlines()) > FILE_LINES for module in modules()}
    for module in modules():
        present |= {function.label: any(oversize(function)) for function in functions(module)}

    for place, sentence in EXCEPTIONS.items():
        assert present.get(place), f"{place} is not oversize any more: take it out of EXCEPTIONS"
        assert len(sentence.split()) >= 5, f"{place} needs a sentence, not {sentence!r}"


def test_the_measures_see_what_they_should() -> None:
    deep = "def f(a):\n if a:\n  for b in a:\n   while b:\n    with b:\n     pass\n"
    flat = "def f(a):\n" + "".join(
        f" {'if' if i == 0 else 'elif'} a == {i}:\n  return {i}\n" for i in range(11)
    )
    long = "def f(a):\n" + " a += 1\n" * FUNCTION_LINES

    assert list(oversize(_only(deep))) == ["nested 4 deep, more than 3"]
    assert list(oversize(_only(flat))) == ["11 branches, more than 10"]
    assert list(oversize(_only(long))) == ["46 lines, more than 45"]


def oversize(function: Function) -> Iterator[str]:
    """What is too large about one function, in words."""
    measures = (
        (function.node.end_lineno or 0) - function.node.lineno + 1,
        nesting(function.node.body),
        branches(function.node),
    )
    if measures[0] > FUNCTION_LINES:
        yield f"{measures[0]} lines, more than {FUNCTION_LINES}"
    if measures[1] > NESTING:
        yield f"nested {measures[1]} deep, more than {NESTING}"
    if measures[2] > BRANCHES:
        yield f"{measures[2]} branches, more than {BRANCHES}"


def nesting(body: list[ast.stmt]) -> int:
    """How many blocks stand inside each other; an ``elif`` is beside its ``if``, not inside."""
    return max((_depth(statement) for statement in body), default=0)


def _depth(statement: ast.stmt) -> int:
    if isinstance(statement, ast.If):
        otherwise = statement.orelse
        is_elif = len(otherwise) == 1 and isinstance(otherwise[0], ast.If)
        beside = _depth(otherwise[0]) if is_elif else 1 + nesting(otherwise)
        return max(1 + nesting(statement.body), beside)
    if not isinstance(statement, _NESTS):
        return 0
    return 1 + nesting([child for child in _blocks(statement) if isinstance(child, ast.stmt)])


def _blocks(statement: ast.stmt) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, ast.ExceptHandler | ast.match_case):
            yield from child.body
        else:
            yield child


def branches(node: ast.AST) -> int:
    """Places where the path divides: if, loop, except, match case, conditional expression."""
    forks = (ast.If, ast.For, ast.While, ast.ExceptHandler, ast.match_case, ast.IfExp)
    return sum(isinstance(inner, forks) for inner in _own(node))


def _own(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, _FUNCTIONS):
            yield child
            yield from _own(child)


def _only(text: str) -> Function:
    definition = ast.parse(text).body[0]
    assert isinstance(definition, ast.FunctionDef)
    return Function("f", definition)
