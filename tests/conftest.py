"""What every test shares: how hard Hypothesis tries, and when a skip is a failure."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

CHECKOUT = Path(__file__).resolve().parent.parent

_SERVERS = {"postgres": "POLLER_TEST_POSTGRES_URL", "mariadb": "POLLER_TEST_MARIADB_URL"}
_NO_SKIPS = "POLLER_TEST_NO_SKIPS"
_INSTALLED = "POLLER_INSTALLED"

# No deadline: a busy machine is not a failure. In CI the same examples every time, so that a red run can be
# repeated; at a desk fresh ones; "thorough" for a long look at one rule.
settings.register_profile("ci", deadline=None, derandomize=True, max_examples=150, print_blob=True)
settings.register_profile("desk", deadline=None, max_examples=100)
settings.register_profile(
    "thorough", deadline=None, max_examples=5000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("POLLER_HYPOTHESIS_PROFILE") or ("ci" if "CI" in os.environ else "desk"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs something that is not here, and say what would bring it."""
    for item in items:
        for marker, variable in _SERVERS.items():
            if item.get_closest_marker(marker) and not os.environ.get(variable):
                item.add_marker(pytest.mark.skip(reason=f"needs a server: set {variable}"))
        if item.get_closest_marker("wheel") and not os.environ.get(_INSTALLED):
            item.add_marker(
                pytest.mark.skip(reason=f"needs the installed wheel: `make test`, or {_INSTALLED}")
            )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where nothing has a reason to be skipped."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get(_NO_SKIPS):
        report.outcome = "failed"
        report.longrepr = f"skipped, and {_NO_SKIPS} allows no skips: {_reason(report.longrepr)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips itself as a whole."""
    report = yield
    if report.skipped and os.environ.get(_NO_SKIPS):
        report.outcome = "failed"
        report.longrepr = f"skipped, and {_NO_SKIPS} allows no skips: {_reason(report.longrepr)}"
    return report


def _reason(longrepr: object) -> str:
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The folder that holds pyproject.toml."""
    return CHECKOUT


@pytest.fixture(scope="session")
def installed_poller() -> Path:
    """The ``poller`` script of an environment that holds the wheel and nothing of the checkout.

    Mark the test ``wheel``. Its Python is beside it.
    """
    script = Path(os.environ[_INSTALLED])
    if not script.exists():
        pytest.fail(f"{_INSTALLED} names {script}, which does not exist: run `make test`")
    where = subprocess.run(
        [script.with_name("python"), "-Pc", "import poller; print(poller.__file__)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=script.parent,
    ).stdout
    assert "site-packages" in where, f"{script} runs the checkout, not the wheel: {where}"
    return script


@pytest.fixture(autouse=True)
def _logs_go_nowhere_that_is_closed() -> Iterator[None]:
    """A command that a test calls in this process sends logs to that test's own stderr."""
    yield
    structlog.reset_defaults()
