"""Names come from the glossary: words that could mean anything stand in none that this package defines."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import modules, name_of, tree_of

VAGUE = frozenset(
    {"utils", "util", "helper", "helpers", "manager", "data", "info", "obj", "handle", "process", "sync"}
)

# A vague word that is somebody else's name for the thing, or the exact word after all: "file::name" → why.
EXCEPTIONS: dict[str, str] = {
    "poller/demo/api.py::handle_error": "socketserver calls this method so",
    "poller/http/redact.py::exc_info": "logging calls this attribute of a log record so",
    "poller/http/transport.py::get_extra_info": "httpcore's network stream calls this method so",
    "poller/http/transport.py::handle_request": "httpx's transport calls this method so",
    "poller/store/types.py::process_bind_param": "SQLAlchemy's type decorator calls this method so",
    "poller/store/types.py::process_result_value": "SQLAlchemy's type decorator calls this method so",
}

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@pytest.mark.parametrize("module", modules(), ids=name_of)
def test_no_name_is_vague(module: Path) -> None:
    named = {module.stem} | set(_defined(tree_of(module)))

    vague = sorted(
        name for name in named if _words(name) & VAGUE and f"{name_of(module)}::{name}" not in EXCEPTIONS
    )

    assert not vague, f"{name_of(module)}: say what they are (docs/glossary.md has the words): {vague}"


def test_every_exception_still_stands() -> None:
    named = {f"{name_of(module)}::{name}" for module in modules() for name in _defined(tree_of(module))}

    gone = sorted(set(EXCEPTIONS) - named)

    assert not gone, f"take these out of EXCEPTIONS: {gone}"


def test_the_search_splits_names_into_words() -> None:
    assert _words("HTTPDataManager") == {"http", "data", "manager"}
    assert _words("_sync_page") == {"sync", "page"}
    assert _words("database") & VAGUE == set()
    assert set(_defined(ast.parse("class A:\n  b: int\n  def c(d, *e): f = [g for g in d]"))) == set(
        "Abcdefg"
    )


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield name


def _words(name: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(name)}
