"""Drivers of others that raise, hang or answer nonsense: they are named, nothing else breaks."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from rundlet.core.contracts.network import AttachResult, NetworkPlugin
from rundlet.core.contracts.runtime import OCIRuntime
from rundlet.core.contracts.secrets import SecretDriver
from rundlet.core.contracts.storage import LayerUsage, MountOptions, StorageDriver
from rundlet.core.contracts.transport import ImageSource, ImageTransport
from rundlet.core.errors import Corrupt, PluginError
from rundlet.core.plugins.guard import guard
from rundlet.core.plugins.index import EntryPoint
from rundlet.core.storage.vfs import VfsDriver

THEIRS = EntryPoint("rundlet.storage_drivers", "bad", "bad", "their-dist", "1.2")
NAMED = r"plugin bad \(their-dist 1.2, rundlet.storage_drivers\): "


def made(contract: type, timeout: float | None = None, **methods: Any) -> Any:
    """A driver of a contract with these methods (values: what they answer), guarded."""
    blank = {name: lambda *_, **__: None for name in contract.__abstractmethods__}  # type: ignore[attr-defined]
    given = {
        name: value if callable(value) else (lambda *_, value=value, **__: value)
        for name, value in methods.items()
    }
    kind = type("Bad", (contract,), {"__init__": lambda self: None, **blank, **given})
    driver = kind()
    guard(THEIRS, driver, contract, timeout)
    return driver


def fail(error: BaseException) -> Any:
    def function(*_: object, **__: object) -> None:
        raise error

    return function


NONSENSE: list[tuple[type, str, tuple[Any, ...], Any]] = [
    (StorageDriver, "mount", ("a", (), MountOptions()), None),
    (StorageDriver, "mount", ("a", (), MountOptions()), "/not/there"),
    (StorageDriver, "apply", ("a", (), io.BytesIO()), (1, 2)),
    (StorageDriver, "exists", ("a",), "yes"),
    (StorageDriver, "changes", ("a", ()), None),
    (OCIRuntime, "state", ("c",), "running"),
    (OCIRuntime, "probe", (), True),
    (OCIRuntime, "monitor", (), object()),
    (NetworkPlugin, "attach", (None,), {}),
    (NetworkPlugin, "attach", (None,), AttachResult(interfaces=("eth0",))),  # type: ignore[arg-type]
    (NetworkPlugin, "attach", (None,), AttachResult(raw={"a": object()})),
    (NetworkPlugin, "networks", (), "podman"),
    (ImageTransport, "parse", ("x",), "x"),
    (ImageTransport, "source", (None, None), None),
    (SecretDriver, "lookup", ("x",), "text"),
    (SecretDriver, "list", (), 3),
]


@pytest.mark.parametrize(("contract", "method", "arguments", "answer"), NONSENSE)
def test_nonsense(contract: type, method: str, arguments: tuple[Any, ...], answer: object) -> None:
    driver = made(contract, **{method: answer})
    with pytest.raises(PluginError, match=NAMED + f"{method} answered"):
        getattr(driver, method)(*arguments)


@pytest.mark.parametrize(
    "error",
    [KeyError("x"), SystemExit(7), OSError(2, "no"), TimeoutError("slow"), RecursionError()],
)
@pytest.mark.parametrize("contract", [StorageDriver, OCIRuntime, NetworkPlugin, SecretDriver])
def test_what_it_must_not_raise(contract: type, error: BaseException) -> None:
    driver = made(contract, probe=fail(error))
    with pytest.raises(PluginError, match=NAMED + "probe( failed)?: "):
        driver.probe()


def test_typed_errors_and_those_of_our_own_streams_come_through() -> None:
    driver = made(StorageDriver, mount=fail(Corrupt("layer a")), diff=fail(OSError(28, "full")))
    with pytest.raises(Corrupt, match="layer a"):
        driver.mount("a", (), MountOptions())
    with pytest.raises(OSError, match="full"):
        driver.diff("a", (), io.BytesIO())


def test_one_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rundlet.core.plugins.guard.PATIENCE", 0.05)
    driver = made(NetworkPlugin, probe=lambda *_: time.sleep(600))
    with pytest.raises(PluginError, match=NAMED + r"probe: no answer in 0.05 s"):
        driver.probe()
    driver = made(NetworkPlugin, timeout=0.05, attach=lambda *_: time.sleep(600))
    with pytest.raises(PluginError, match=NAMED + r"attach: no answer in 0.05 s"):
        driver.attach(None)


def test_errors_while_an_answer_is_read() -> None:
    def changes(*_: object) -> Any:
        yield "one"
        raise KeyError("two")

    found = made(StorageDriver, changes=changes).changes("a", ())
    assert next(found) == "one"
    with pytest.raises(PluginError, match=NAMED + "changes failed: KeyError"):
        next(found)


def test_what_it_gives_out_is_guarded_too() -> None:
    class Source(ImageSource):
        def manifest(self, digest: str = "") -> Any:
            return "text"

        def blob(self, descriptor: object, offset: int = 0) -> Any:
            raise KeyError("x")

    with made(ImageTransport, source=Source()).source(None, None) as source:
        with pytest.raises(PluginError, match=NAMED + "manifest answered 'text'"):
            source.manifest()
        with pytest.raises(PluginError, match=NAMED + "blob failed"):
            source.blob(None)


def test_a_right_one_works_as_before(tmp_path: Path) -> None:
    driver = VfsDriver(str(tmp_path / "home"))
    guard(THEIRS, driver, StorageDriver, 60)
    with pytest.raises(Corrupt):
        driver.mount("a" * 64, (), MountOptions())
    assert driver.apply("a" * 64, (), io.BytesIO(bytes(1024))) == LayerUsage(0, 0)
    assert driver.mount("a" * 64, (), MountOptions()).endswith("/tree")
    assert list(driver.changes("a" * 64, ())) == []
    assert isinstance(driver, VfsDriver) and driver.probe().works


def test_an_import_that_never_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rundlet.core.plugins import faults

    (tmp_path / "hanging_plugin.py").write_text("import time\ntime.sleep(600)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(faults, "PATIENCE", 0.2)
    entry = THEIRS.replace(value="hanging_plugin")
    with pytest.raises(PluginError, match=NAMED + "cannot be imported: .*no answer in 0.2 s"):
        faults.load(entry)
    sys.modules.pop("hanging_plugin", None)
