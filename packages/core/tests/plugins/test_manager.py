"""Drivers by name, the order of choice, broken ones named, hooks called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rundlet.core.errors import DriverUnavailable, PluginError
from rundlet.core.plugins import choose as choose_module
from rundlet.core.plugins import kept
from rundlet.core.plugins.index import KINDS
from rundlet.core.plugins.listing import listing
from rundlet.core.plugins.manager import FACTORIES, Plugins
from rundlet.core.settings.snapshot import Settings
from rundlet.core.views import ImageView

Install = Callable[[str, str, str], None]

VFS = """
from rundlet.core.contracts.probe import Probe
from rundlet.core.hookspecs import hookimpl
from rundlet.core.storage.vfs import VfsDriver
class Third(VfsDriver):
    name = "NAME"
    def probe(self):
        return Probe(WORKS, "the third reason")
@hookimpl
def rundlet_storage_driver(name, home, options):
    return Third(home, dict(options)) if name == "NAME" else None
"""
WRAPPER = """
from rundlet.core.hookspecs import hookimpl
SEEN = []
@hookimpl(wrapper=True)
def rundlet_storage_driver(name):
    driver = yield
    SEEN.append((name, driver.name))
    return driver
@hookimpl
def rundlet_admit_image(image, action):
    return f"no {action} of {image.name}"
"""


def driver(name: str, works: bool = True) -> str:
    return VFS.replace("NAME", name).replace("WORKS", str(works))


@pytest.mark.parametrize("kind", FACTORIES)
def test_every_shipped_driver_is_made(plugins: Plugins, kind: str) -> None:
    for entry in plugins.available(kind):
        made = getattr(plugins, kind)(entry.name)
        assert made.name == entry.name
        assert getattr(plugins, kind)(entry.name) is made, "made once"


def test_an_unknown_one_names_the_known(plugins: Plugins) -> None:
    with pytest.raises(PluginError, match="there is no storage driver 'nope'") as caught:
        plugins.storage("nope")
    assert "overlay" in caught.value.remedy


def test_order_of_choice(
    install: Install, plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("storage", "bad", driver("bad", works=False))
    install("storage", "good", driver("good"))
    install("storage", "broken", "import nosuchmodule")
    monkeypatch.setitem(choose_module.ORDER, "storage", ("missing", "broken", "bad", "good", "vfs"))
    assert plugins.choose_storage().name == "good"
    assert plugins.choose_storage("bad").name == "bad", "who asks by name gets it"
    configured = Plugins(plugins.settings.replace(storage_driver="vfs"))
    assert configured.choose_storage().name == "vfs"
    assert configured.choose_storage("good").name == "good"


def test_none_works_tells_all_reasons(
    install: Install, plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("storage", "bad", driver("bad", works=False))
    install("storage", "broken", "import nosuchmodule")
    monkeypatch.setitem(choose_module.ORDER, "storage", ("missing", "broken", "bad"))
    with pytest.raises(DriverUnavailable) as caught:
        plugins.choose_storage()
    for reason in ("missing: not installed", "nosuchmodule", "bad: the third reason"):
        assert reason in caught.value.remedy


def test_a_runtime_by_path_and_by_table(plugins: Plugins) -> None:
    tables = {"fast": {"kind": "crun", "path": "/opt/crun", "args": ["--debug"]}}
    configured = Plugins(plugins.settings.replace(runtimes=tables))
    fast = configured.runtime("fast")
    assert (fast.name, fast.config.path, fast.config.args) == ("crun", "/opt/crun", ("--debug",))
    assert str(fast.config.root).endswith("oci/fast")
    assert configured.runtime("/usr/local/bin/crun-1.20").config.path == "/usr/local/bin/crun-1.20"
    assert configured.runtime("crun").config.path == ""


def test_a_runtime_that_no_driver_is_for(plugins: Plugins) -> None:
    """As containers.conf names them: by their paths alone."""
    tables = {name: {"path": f"/opt/{name}"} for name in ("youki", "crun-wasm", "mine")}
    tables["mine"]["path"] = "/opt/crun-1.20"
    configured = Plugins(plugins.settings.replace(runtimes=tables))
    found = {name: configured.runtime(name) for name in (*tables, "/usr/bin/other")}
    assert {name: runtime.name for name, runtime in found.items()} == {
        "youki": "runc", "crun-wasm": "crun", "mine": "crun", "/usr/bin/other": "runc",
    }  # fmt: skip
    assert found["youki"].config.path == "/opt/youki"
    assert str(found["youki"].config.root).endswith("oci/youki")
    assert found["/usr/bin/other"].config.path == "/usr/bin/other"


def test_a_listener_wraps_factories_and_answers(install: Install, plugins: Plugins) -> None:
    install("hooks", "wrapper", WRAPPER)
    assert plugins.storage("vfs").name == "vfs"
    from sys import modules

    assert modules["third_hooks_wrapper"].SEEN == [("vfs", "vfs")]  # type: ignore[attr-defined]
    answers = plugins.call("rundlet_admit_image", image=ImageView("x"), action="run")
    assert answers == ["no run of x"]


def test_a_hook_that_nobody_knows(
    install: Install, plugins: Plugins, capsys: pytest.CaptureFixture[str]
) -> None:
    install("hooks", "odd", WRAPPER.replace("(image, action)", "(image, acton)"))
    install("hooks", "wrapper", WRAPPER)
    answers = plugins.call("rundlet_admit_image", image=ImageView("x"), action="run")
    assert answers == ["no run of x"]
    assert "skipped: plugin odd (third 1.2" in capsys.readouterr().err


def test_a_told_listener_that_raises_keeps_no_other_from_being_told(
    install: Install, plugins: Plugins, capsys: pytest.CaptureFixture[str]
) -> None:
    source = "from rundlet.core.hookspecs import hookimpl\nSEEN = []\n@hookimpl\n"
    source += "def rundlet_event(event):\n    SEEN.append(event)\n"
    install("hooks", "a", source + "    raise KeyError('boom')\n")
    install("hooks", "b", source)
    assert plugins.call("rundlet_event", event="it") == []
    from sys import modules

    assert modules["third_hooks_b"].SEEN == ["it"]  # type: ignore[attr-defined]
    assert "plugin a (third 1.2, rundlet.hooks): rundlet_event failed" in capsys.readouterr().err


def test_listing_tells_everything(install: Install, plugins: Plugins) -> None:
    install("storage", "bad", driver("bad", works=False))
    install("storage", "vfs", driver("vfs"))
    install("command", "odd", "VERB = 5")
    disabled = Plugins(plugins.settings.replace(disabled_plugins=("runsc",)))
    rows = list(listing(disabled))
    assert {row.kind for row in rows} >= set(KINDS) - {"hooks"}
    found = {(row.kind, row.name, row.distribution): row for row in rows}
    assert found["storage", "bad", "third"].reason == "the third reason"
    assert found["storage", "vfs", "third"].reason == "hidden by that of rundlet-core"
    assert found["storage", "vfs", "rundlet-core"].works
    assert "no Verb" in found["command", "odd", "third"].reason
    (runsc,) = [row for row in rows if row.name == "runsc"]
    assert runsc.works is False and "disabled" in runsc.reason


def test_a_table_is_kept_for_those_that_noted_it(tmp_path: Path) -> None:
    settings = Settings(
        graph_root=str(tmp_path / "root"),
        run_root=str(tmp_path / "run"),
        runtimes={"fast": {"kind": "crun", "path": "/opt/a/crun", "args": ["--debug"]}},
    )
    noted = kept.keep(settings, "fast")
    assert noted.startswith("fast@")
    assert kept.keep(settings, "fast") == noted
    assert kept.keep(settings, "crun") == "crun", "a driver without a table needs none"
    changed = settings.replace(runtimes={"fast": {"kind": "runc", "path": "/opt/b/runc"}})
    assert kept.keep(changed, "fast") != noted
    for later in (changed, settings.replace(runtimes={})):  # also by a tool that knows no table
        driver = Plugins(later).runtime(noted)
        assert (driver.config.path, driver.config.args) == ("/opt/a/crun", ("--debug",))
        assert driver.config.root == str(tmp_path / "run/oci/fast")
    kept.collect(changed, {noted})
    assert Plugins(changed).runtime(noted).config.path == "/opt/a/crun"
    kept.collect(changed, set())
    with pytest.raises(PluginError):
        Plugins(changed).runtime(noted)


def test_a_kept_table_that_is_damaged_is_named(tmp_path: Path) -> None:
    settings = Settings(graph_root=str(tmp_path), runtimes={"fast": {"kind": "crun"}})
    noted = kept.keep(settings, "fast")
    (file,) = (tmp_path / "runtimes").iterdir()
    file.write_text("[]")
    with pytest.raises(PluginError, match=str(file)):
        Plugins(settings).runtime(noted)
