"""`plugin check`: shipped drivers pass; broken ones fail at their clause, and raise nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rundlet.core.plugins.check import check, features
from rundlet.core.plugins.manager import Plugins

Install = Callable[[str, str, str], None]

STORAGE = """
from rundlet.core.hookspecs import hookimpl
from rundlet.core.storage.vfs import VfsDriver
class Third(VfsDriver):
    name = "third"
    {method}
@hookimpl
def rundlet_storage_driver(name, home, options):
    return Third(home, dict(options))
"""
SECRET = """
from rundlet.core.hookspecs import hookimpl
from rundlet.core.secrets.file import FileSecrets
class Third(FileSecrets):
    name = "third"
    {method}
@hookimpl
def rundlet_secret_driver(name, home, options):
    return Third(home, options)
"""
BROKEN = [
    ("storage", STORAGE, "def probe(self): return 1 / 0", "probe"),
    ("storage", STORAGE, "def exists(self, layer): return False", "STORAGE-APPLY-ATOMIC"),
    ("storage", STORAGE, "def mount(self, *a): return str(id(object()))", "STORAGE-MOUNT"),
    ("storage", STORAGE, "def diff(self, layer, parents, out): pass", "STORAGE-DIFF-ROUNDTRIP"),
    ("storage", STORAGE, "def remove(self, layer): pass", "STORAGE-REMOVE-IDEMPOTENT"),
    ("secret", SECRET, "def lookup(self, secret): return b''", "SECRET-ROUNDTRIP"),
    ("secret", SECRET, "def delete(self, secret): pass", "SECRET-UNKNOWN"),
    ("hooks", "x = 1", "", "HOOKS-KNOWN"),
    ("command", "x = 1", "", "declaration"),
]


@pytest.mark.parametrize("kind", ["storage", "runtime", "network", "transport", "secret"])
def test_shipped_drivers_pass(plugins: Plugins, kind: str) -> None:
    for entry in plugins.available(kind):
        results = list(check(plugins, kind, entry))
        assert results
        assert all(one.passed or one.clause == "probe" for one in results), results
        assert "works here" in features(plugins, kind, entry) or kind == "transport"


@pytest.mark.parametrize(("kind", "source", "method", "clause"), BROKEN)
def test_a_broken_one_fails_at_its_clause(
    install: Install, plugins: Plugins, kind: str, source: str, method: str, clause: str
) -> None:
    install(kind, "third", source.replace("{method}", method))
    (entry,) = [entry for entry in plugins.available(kind) if entry.name == "third"]
    *_, last = check(plugins, kind, entry)
    assert not last.passed
    assert last.clause.startswith(clause), last
    assert last.detail
