"""`rundlet plugin check`: a driver's probe, and a short smoke of its contract on this machine.

The whole suite of a contract is the conformance kit's (`rundlet.core.testing`); this needs no
pytest, takes a second, and writes to a directory of its own.
"""

from __future__ import annotations

import io
import tarfile
import tempfile

from ..errors import RundletError
from ..value import Value
from .faults import load
from .manager import Plugins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from .index import EntryPoint

    Steps = Iterator[tuple[str, Callable[[], object]]]

_LAYER = "a" * 64
_ABOVE = "b" * 64
_SECRET = "0123456789abcdef012345678"


class Checked(Value):
    """One thing that was looked at. clause: of the contract, or what was done."""

    kind: str
    name: str
    clause: str
    passed: bool
    detail: str = ""


def check(plugins: Plugins, kind: str, entry: EntryPoint) -> Iterator[Checked]:
    """Probe and smoke one plugin; the first failure ends it. Raises nothing."""
    with tempfile.TemporaryDirectory(prefix="rundlet-check-") as directory:
        settings = plugins.settings.replace(
            graph_root=f"{directory}/graph", run_root=f"{directory}/run"
        )
        steps = _STEPS[kind](Plugins(settings), entry)
        clause = "load"
        try:
            for clause, step in steps:
                answer = step()
                yield Checked(kind, entry.name, clause, True, str(answer or ""))
        except RundletError as error:
            yield Checked(kind, entry.name, clause, False, " ".join(error.message.split()))
        except Exception as error:  # a plugin's: it is what we tell
            yield Checked(kind, entry.name, clause, False, repr(error))


def _expect(condition: object, complaint: str) -> None:
    if not condition:
        raise AssertionError(complaint)


def _probed(driver: Any) -> str:
    probe = driver.probe()
    _expect(probe.works, probe.reason or "does not work here")
    return " ".join(f"{key}={value}" for key, value in probe.details.items())


def _storage(plugins: Plugins, entry: EntryPoint) -> Steps:
    from ..contracts.storage import MountOptions

    driver = plugins.storage(entry.name)
    yield "probe", lambda: _probed(driver)

    def apply() -> None:
        driver.apply(_LAYER, (), _layer())
        _expect(driver.exists(_LAYER), "a layer that was applied does not exist")

    def mount() -> None:
        driver.create(_ABOVE, (_LAYER,))
        root = driver.mount(_ABOVE, (_LAYER,), MountOptions())
        try:
            again = driver.mount(_ABOVE, (_LAYER,), MountOptions())
            _expect(again == root, "mounting again gives another path")
            with open(f"{root}/etc/name", encoding="utf-8") as file:
                _expect(file.read() == "value", "the file of a lower layer is not there")
            with open(f"{root}/new", "w", encoding="utf-8"):
                pass
        finally:
            driver.unmount(_ABOVE)
            driver.unmount(_ABOVE)

    def changes() -> None:
        out = io.BytesIO()
        driver.diff(_ABOVE, (_LAYER,), out)
        out.seek(0)
        with tarfile.open(fileobj=out) as archive:
            _expect("new" in [name.strip("./") for name in archive.getnames()], "diff misses /new")

    def remove() -> None:
        for layer in (_ABOVE, _LAYER, _LAYER):
            driver.remove(layer)
        _expect(not list(driver.layers()), "layers are left")

    yield "STORAGE-APPLY-ATOMIC", apply
    yield "STORAGE-MOUNT-IDEMPOTENT", mount
    yield "STORAGE-DIFF-ROUNDTRIP", changes
    yield "STORAGE-REMOVE-IDEMPOTENT", remove


def _layer() -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        directory = tarfile.TarInfo("etc")
        directory.type = tarfile.DIRTYPE
        directory.mode = 0o755
        archive.addfile(directory)
        member = tarfile.TarInfo("etc/name")
        member.size = 5
        archive.addfile(member, io.BytesIO(b"value"))
    out.seek(0)
    return out


def _runtime(plugins: Plugins, entry: EntryPoint) -> Steps:
    driver = plugins.runtime(entry.name)
    yield "probe", lambda: _probed(driver)
    yield "version", lambda: driver.version().splitlines()[0]
    yield "features", lambda: _expect(driver.features(), "no features")
    yield (
        "RUNTIME-STATE-DERIVED",
        lambda: _expect(driver.state("rundlet-check-nobody") is None, "knows an unknown container"),
    )
    yield "RUNTIME-DELETE-WINS", lambda: driver.delete("rundlet-check-nobody", force=True)


def _network(plugins: Plugins, entry: EntryPoint) -> Steps:
    driver = plugins.network(entry.name)
    yield "probe", lambda: _probed(driver)

    def status() -> None:
        _expect(not driver.status(), "; ".join(driver.status()))

    yield "NETWORK-STATUS", status
    yield "networks", lambda: " ".join(network.name for network in driver.networks())


def _transport(plugins: Plugins, entry: EntryPoint) -> Steps:
    from ..contracts.transport import Location

    driver = plugins.transport(entry.name)

    def refuses() -> None:
        """Only a Location, or an error in words, may come of any text."""
        for text in ("", "x", "//", "\0", "a:b:c@d"):
            try:
                _expect(isinstance(driver.parse(text), Location), f"parse({text!r}): no Location")
            except RundletError:
                continue

    yield "make", lambda: None
    yield "TRANSPORT-PARSE-ROUNDTRIP", refuses


def _secret(plugins: Plugins, entry: EntryPoint) -> Steps:
    driver = plugins.secret(entry.name)
    data = bytes(range(256))
    yield "probe", lambda: _probed(driver)

    def roundtrip() -> None:
        driver.store(_SECRET, data)
        _expect(driver.lookup(_SECRET) == data, "other bytes come back")

    def unknown() -> None:
        from ..errors import NoSuchSecret

        driver.delete(_SECRET)
        try:
            driver.lookup(_SECRET)
        except NoSuchSecret:
            return
        _expect(False, "lookup of a deleted secret is no NoSuchSecret")

    yield "SECRET-ROUNDTRIP", roundtrip
    yield "SECRET-UNKNOWN", unknown


def _hooks(plugins: Plugins, entry: EntryPoint) -> Steps:
    from .. import hookspecs

    plugin = load(entry)

    def known() -> str:
        names = [name for name in dir(plugin) if hasattr(getattr(plugin, name), "rundlet_impl")]
        _expect(names, "no function is marked with @hookimpl")
        for name in names:
            _expect(hasattr(getattr(hookspecs, name, None), "rundlet_spec"), f"no hook {name}")
        return " ".join(names)

    yield "HOOKS-KNOWN", known


def _command(plugins: Plugins, entry: EntryPoint) -> Steps:
    from importlib import import_module

    from ..commands.declare import Group, Verb

    declared = load(entry)
    yield "declaration", lambda: _expect(isinstance(declared, (Verb, Group)), "no Verb or Group")
    if isinstance(declared, Verb):
        module, _, function = declared.run.partition(":")
        yield (
            "function",
            lambda: _expect(
                callable(getattr(import_module(module), function, None)),
                f"{declared.run} is nothing",
            ),
        )


_STEPS: dict[str, Callable[[Plugins, EntryPoint], Steps]] = {
    "storage": _storage,
    "runtime": _runtime,
    "network": _network,
    "transport": _transport,
    "secret": _secret,
    "hooks": _hooks,
    "command": _command,
}


def features(plugins: Plugins, kind: str, entry: EntryPoint) -> dict[str, str]:
    """What a driver can do beyond its contract's minimum: feature to "yes", "no" or a word.

    Raises PluginError for a broken one.
    """
    driver: Any = getattr(plugins, kind)(entry.name)
    found: dict[str, bool | str] = {}
    if kind != "transport":
        found["works here"] = driver.probe().works
    if kind == "storage":
        found["unpacks layers in any order"] = driver.independent_layers
    elif kind == "runtime":
        found["shares the host's kernel"] = driver.shares_kernel
        if found["works here"]:
            table = driver.features().as_dict()
            table.pop("document")
            found.update({name.replace("_", " "): value for name, value in table.items()})
    elif kind == "network":
        found["namespace of its own"] = driver.own_namespace
        found["networks"] = _overrides(driver, "create_network", "contracts.network")
        found["garbage collection"] = _overrides(driver, "collect", "contracts.network")
    elif kind == "transport":
        for name in ("delete", "tags", "siblings"):
            found[name] = _overrides(driver, name, "contracts.transport")
    words = {True: "yes", False: "no"}
    return {
        name: words[value] if isinstance(value, bool) else value for name, value in found.items()
    }


def _overrides(driver: object, name: str, module: str) -> bool:
    """Whether a driver has a method of its own where the contract's base has a default."""
    return not getattr(type(driver), name).__module__.endswith(module)
