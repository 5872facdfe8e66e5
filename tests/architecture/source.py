"""The package's source as syntax trees: modules, functions, names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method; ``label`` is ``poller/core/page.py::Response.header``."""

    label: str
    node: ast.FunctionDef | ast.AsyncFunctionDef


def modules(under: str = "poller") -> list[Path]:
    """Every Python file below a folder of the checkout, sorted."""
    return sorted((CHECKOUT / under).rglob("*.py"))


def name_of(module: Path) -> str:
    """The module's path from the top of the checkout."""
    return module.relative_to(CHECKOUT).as_posix()


@cache
def tree_of(module: Path) -> ast.Module:
    """The parsed module."""
    return ast.parse(module.read_text(), filename=str(module))


def functions(module: Path) -> Iterator[Function]:
    """Every function and method of the module, inner ones included."""
    yield from _functions(tree_of(module), name_of(module) + "::")


def _functions(node: ast.AST, prefix: str) -> Iterator[Function]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield Function(prefix + child.name, child)
            yield from _functions(child, f"{prefix}{child.name}.")
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{prefix}{child.name}.")
        else:
            yield from _functions(child, prefix)
