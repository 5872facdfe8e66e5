"""Finds the kinds of a plugin package: one module, one frozen dataclass, one name."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from types import ModuleType


def kinds(package: ModuleType) -> dict[str, type]:
    """Every module of ``package`` by its name, with the one dataclass that it defines.

    The module's name is the ``type`` that the settings use. Modules whose names begin with
    an underscore are skipped. Raises TypeError when a module defines none or several.
    """
    names = sorted(
        found.name for found in pkgutil.iter_modules(package.__path__) if not found.name.startswith("_")
    )
    return {name: _only_class(importlib.import_module(f"{package.__name__}.{name}")) for name in names}


def _only_class(module: ModuleType) -> type:
    own = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and dataclasses.is_dataclass(value) and value.__module__ == module.__name__
    ]
    if len(own) != 1:
        raise TypeError(f"{module.__name__} must define exactly one dataclass, found {len(own)}")
    return own[0]
