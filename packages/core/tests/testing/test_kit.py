"""The kit as a pytest plugin: every clause is held, and what a broken driver fails at is named."""

from __future__ import annotations

import importlib.util
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

pytest_plugins = ["pytester"]

BROKEN = Path(__file__).parent / "broken"
KINDS = {
    "storage": ("contracts.storage", "StorageDriverContract"),
    "runtime": ("contracts.runtime", "OCIRuntimeContract"),
    "network": ("contracts.network", "NetworkPluginContract"),
    "transport": ("contracts.transport", "ImageTransportContract"),
    "secrets": ("contracts.secrets", "SecretDriverContract"),
    "hooks": ("hookspecs", "HooksContract"),
}
CLAUSE = re.compile(r"\b(?:STORAGE|RUNTIME|MONITOR|NETWORK|TRANSPORT|SECRET|HOOKS)-[A-Z0-9-]+\b")


def broken(kind: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"broken_{kind}", BROKEN / f"{kind}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def clauses(kind: str) -> set[str]:
    """Those of a contract, from its head."""
    modules = [KINDS[kind][0], *(["contracts.monitor"] if kind == "runtime" else [])]
    heads = [importlib.import_module(f"rundlet.core.{name}").__doc__ or "" for name in modules]
    return set(CLAUSE.findall("\n".join(heads)))


@pytest.mark.parametrize("kind", KINDS)
def test_every_test_names_a_clause_and_every_clause_has_its_broken_driver(kind: str) -> None:
    known = clauses(kind)
    suite = getattr(importlib.import_module(f"rundlet.core.testing.{kind}"), KINDS[kind][1])
    for name, function in inspect.getmembers(suite, inspect.isfunction):
        if name.startswith("test_"):
            named = CLAUSE.findall(inspect.getdoc(function) or "")
            assert named and set(named) <= known, f"{name}: {named}"
    assert {name.removesuffix(" (optional)") for name in broken(kind).FAILS} == known


@pytest.mark.parametrize("kind", KINDS)
def test_broken_drivers_fail_at_their_clauses(pytester: pytest.Pytester, kind: str) -> None:
    fails = broken(kind).FAILS
    tests = [f"{BROKEN / kind}.py::{owner.__name__}::{test}" for owner, test in fails.values()]
    done = pytester.runpytest_subprocess(
        "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--import-mode=importlib", *tests
    )
    text = done.stdout.str()
    assert "passed" not in done.parseoutcomes() and "skipped" not in done.parseoutcomes(), text
    summary = text.partition("clauses of the contract that do not hold")[2]
    for clause, (owner, test) in fails.items():
        assert re.search(rf"^{re.escape(clause)}: .*::{owner.__name__}::{re.escape(test)}", summary,
                         re.MULTILINE), f"{clause}: {text}"  # fmt: skip


@pytest.mark.parametrize("driver", ["secret:file", "network:none", "transport:dir"])
def test_an_installed_driver_by_name(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, driver: str
) -> None:
    monkeypatch.setenv("RUNDLET_KIT", driver)
    done = pytester.runpytest_subprocess(
        "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--pyargs",
        "rundlet.core.testing.installed",
    )  # fmt: skip
    outcomes = done.parseoutcomes()
    assert outcomes["passed"] >= 5, done.stdout.str()
    assert "failed" not in outcomes and "errors" not in outcomes
