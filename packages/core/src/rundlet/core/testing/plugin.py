"""The conformance kit as a pytest plugin: `pip install rundlet-core[testing]` brings it.

Says after a run which clauses of which contract failed, and which optional parts of it the
driver does without. A driver that is installed is put to
the suite of its kind, without a line of code, by

    RUNDLET_KIT=storage:mydriver pytest --pyargs rundlet.core.testing.installed
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from _pytest.terminal import TerminalReporter

_CLAUSE = re.compile(r"\b(?:STORAGE|RUNTIME|MONITOR|NETWORK|TRANSPORT|SECRET|HOOKS)-[A-Z0-9-]+")
_PROPERTY = "rundlet clause"


def pytest_configure(config: pytest.Config) -> None:
    """Make the kit's mark known."""
    config.addinivalue_line(
        "markers", "optional: of a part of a contract that a driver may do without"
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note the clause of a test of a suite that failed, or was left out and may be."""
    report = yield
    optional = item.get_closest_marker("optional") is not None
    if (report.failed or (report.skipped and optional)) and _of_a_suite(item):
        said = f"{call.excinfo.value if call.excinfo else ''}\n{_documentation(item)}"
        found = _CLAUSE.search(said)
        name = found.group().rstrip("-") if found else item.name
        report.user_properties.append((_PROPERTY, f"{name} (optional)" if optional else name))
    return report


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """The failed clauses, each once, with the tests that showed it; the optional ones."""
    stats = terminalreporter.stats
    for title, outcomes in (
        ("optional parts of the contract that are left out", ("skipped",)),
        ("clauses of the contract that do not hold", ("failed", "error")),
    ):
        found: dict[str, list[str]] = {}
        for report in [report for outcome in outcomes for report in stats.get(outcome, ())]:
            for key, clause in getattr(report, "user_properties", ()):
                if key == _PROPERTY:
                    found.setdefault(clause, []).append(report.nodeid)
        if found:
            terminalreporter.section(title)
            for clause, tests in sorted(found.items()):
                terminalreporter.write_line(f"{clause}: {', '.join(tests)}")


def _of_a_suite(item: pytest.Item) -> bool:
    owner: type | None = getattr(item, "cls", None)
    return owner is not None and any(
        base.__module__.startswith("rundlet.core.testing.") for base in owner.__mro__
    )


def _documentation(item: pytest.Item) -> str:
    return inspect.getdoc(getattr(item, "function", None)) or ""
