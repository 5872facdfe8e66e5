"""The wheel holds what a user needs and runs without the checkout."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.wheel


def ask(script: Path, code: str) -> str:
    """What ``code`` prints under the installed wheel's own Python, away from the checkout."""
    return subprocess.run(
        [script.with_name("python"), "-Pc", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=script.parent,
    ).stdout.strip()


def test_the_migrations_and_the_type_marker_are_inside(installed_poller: Path, checkout: Path) -> None:
    shipped = ask(
        installed_poller,
        "from importlib.resources import files; from pathlib import Path; root = Path(str(files('poller')));"
        "print(*sorted(p.relative_to(root).as_posix() for p in root.rglob('*')"
        " if p.is_file() and '__pycache__' not in p.parts), sep='\\n')",
    ).splitlines()

    expected = {
        f"{prefix}{file.relative_to(checkout / folder).as_posix()}"
        for folder, prefix in (("poller", ""), ("migrations", "migrations/"))
        for file in (checkout / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert set(shipped) == expected
    assert "py.typed" in shipped
    assert any(name.startswith("migrations/versions/") for name in shipped)


def test_the_version_of_the_wheel_is_the_version_of_the_package(installed_poller: Path) -> None:
    versions = ask(
        installed_poller,
        "import importlib.metadata, poller; print(importlib.metadata.version('poller'), poller.__version__)",
    ).split()

    assert versions[0] == versions[1]


def test_every_module_of_the_wheel_can_be_imported_with_the_declared_dependencies_alone(
    installed_poller: Path,
) -> None:
    failures = ask(
        installed_poller,
        "import importlib, pkgutil, poller\n"
        "for found in pkgutil.walk_packages(poller.__path__, 'poller.'):\n"
        "    if '__main__' in found.name or found.name.startswith('poller.migrations'): continue\n"
        "    try: importlib.import_module(found.name)\n"
        "    except Exception as error: print(found.name, repr(error))\n",
    )

    assert failures == ""
