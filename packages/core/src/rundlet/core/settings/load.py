"""Reading the settings: from a cached snapshot while no file or variable has changed.

Order, weakest first: built-in defaults, containers.conf and storage.conf, rundlet.toml with
its drop-ins, podman's STORAGE_ variables, RUNDLET_ variables, command-line options. Reading and
validating the files takes pydantic and 200 ms; the result is kept (plugins/cache.py), keyed by
the times of every file that has a say and by the RUNDLET_ variables.
"""

from __future__ import annotations

import os
import time

from .. import __version__
from ..errors import InvalidArgument
from ..plugins import cache
from .places import find
from .snapshot import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ..commands.context import Parsed
    from .places import Places

_PREFIX = "RUNDLET_"
_NOT_SETTINGS = ("RUNDLET_CONF", "RUNDLET_CACHE", "RUNDLET_KEEP_MODULES", "RUNDLET_SETTINGS")
_SLOTS = 16
_RACY = 2.0  # seconds


def load(
    environment: Mapping[str, str] | None = None,
    modules: Sequence[str] = (),
    *,
    apart: bool = False,
) -> Settings:
    """The settings of this machine and user. Raises SettingsError naming file and key.

    modules: modules of containers.conf to read too (`--module`). apart: another program does the
    work, for one that stays (apart.py).
    """
    environment = os.environ if environment is None else environment
    places = find(environment, modules)
    said = variables(environment)
    if not said and not places.all:  # nothing is configured at all
        return _storage_variables(Settings(), environment)
    files, newest = _files(places)
    key = (__version__, said, files)
    path = f"{cache.directory(environment)}/settings-{_slot(said, places)}"
    values = cache.read(path, key)
    if values is None:
        if apart:
            from .apart import compile_apart

            values = compile_apart(environment, places)
        if values is None:
            values = compiled(environment, places)
        # A file written a moment ago may change again without its time moving on.
        if not 0 <= time.time() - newest < _RACY:
            cache.write(path, key, values)
    return _storage_variables(Settings(**values), environment)


def variables(environment: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The RUNDLET_ variables that are settings, by name."""
    return tuple(
        sorted(
            (name, value)
            for name, value in environment.items()
            if name.startswith(_PREFIX) and name not in _NOT_SETTINGS
        )
    )


def _storage_variables(settings: Settings, environment: Mapping[str, str]) -> Settings:
    """The settings, with what STORAGE_DRIVER and STORAGE_OPTS say over them (podman(1))."""
    driver, options = environment.get("STORAGE_DRIVER"), environment.get("STORAGE_OPTS")
    if driver and not environment.get("RUNDLET_STORAGE_DRIVER"):
        settings = settings.replace(storage_driver=driver)
    if options:
        pairs = tuple(options.split(","))
        settings = settings.replace(
            storage_options=storage_options(settings, pairs),
            additional_image_stores=image_stores(settings, pairs),
        )
    return settings


def _files(places: Places) -> tuple[tuple[Any, ...], float]:
    """Every file with what changes when it is written to; the newest time (seconds)."""
    found = []
    newest = 0
    for path in places.all:
        try:
            status = os.stat(path)
        except OSError:
            found.append((path, 0, 0, 0))
            continue
        found.append((path, status.st_mtime_ns, status.st_size, status.st_ino))
        newest = max(newest, status.st_mtime_ns)
    return tuple(found), newest / 1e9


def _slot(said: tuple[tuple[str, str], ...], places: Places) -> str:
    """One of a few cache files: callers with different variables do not fight over one."""
    words = repr((said, places.all)).encode(errors="surrogateescape")
    return f"{int.from_bytes(words, 'big') % (2**61 - 1) % _SLOTS:x}"


def compiled(environment: Mapping[str, str], places: Places) -> dict[str, Any]:
    """The settings that files and variables make, read and validated."""
    from . import containers_conf
    from .model import from_environment, from_files

    below = containers_conf.read(places.containers, places.storage)
    return {**below, **from_files(places.rundlet), **from_environment(environment)}


def from_options(options: Parsed) -> Settings:
    """The settings, with what the global options of a program say over them.

    Raises SettingsError as `load` does, NotSupported for options that cannot be honoured.
    """
    modules = options.values.get("module")
    settings = load(modules=modules if isinstance(modules, tuple) else ())
    for pair in settings.engine_env:
        name, _, text = pair.partition("=")
        os.environ[name] = text
    if options.values.get("config"):  # as docker's; of its files, the one with the logins
        os.environ["DOCKER_CONFIG"] = str(options.values["config"])
    changes = _changes(options, settings)
    settings = settings.replace(**changes) if changes else settings
    remote = "CONTAINER_HOST" in os.environ or "CONTAINER_CONNECTION" in os.environ
    if options.given - _ALWAYS_HONOURED or remote:
        from .refused import check

        check(options)
    return settings


def _changes(options: Parsed, settings: Settings) -> dict[str, Any]:
    """The settings that the options change, by name."""
    changes: dict[str, Any] = {}
    for option, name in _OPTIONS.items():
        value = options.values.get(option)
        if option in options.given and value not in (None, ""):  # "": what is configured, as podman
            listed = name in _LISTS and not isinstance(value, tuple)
            changes[name] = (str(value),) if listed else value
    pairs = options.values.get("storage-opt") or ()
    if "storage-opt" in options.given and isinstance(pairs, tuple):
        changes["storage_options"] = storage_options(settings, pairs)
        changes["additional_image_stores"] = image_stores(settings, pairs)
    flags = options.values.get("runtime-flag") or ()
    if flags and isinstance(flags, tuple):
        changes["runtimes"] = _runtime_flags(settings, changes.get("runtime", ""), flags)
    if "graph_root" in changes and "image_store" not in changes:
        changes["image_store"] = ""  # what is configured is that of the configured root
    return changes


_LISTS = ("network_config_dirs",)
_OPTIONS = {
    "root": "graph_root",
    "runroot": "run_root",
    "imagestore": "image_store",
    "runtime": "runtime",
    "storage-driver": "storage_driver",
    "cgroup-manager": "cgroup_manager",
    "conmon": "conmon",
    "tmpdir": "temporary",
    "network-config-dir": "network_config_dirs",
    "registries-conf": "registries_conf",
    "tls-details": "tls_details",
    "cdi-spec-dir": "cdi_spec_dirs",
    "hooks-dir": "hooks_dirs",
    "events-backend": "events_backend",
    "volumepath": "volume_path",
    "transient-store": "transient_store",
}
_IMAGE_STORE = ("imagestore", "additionalimagestore")  # both mean the same to podman's overlay
_LISTED = ("module", "storage-opt", "runtime-flag", "config")
_ALWAYS_HONOURED = frozenset((*_OPTIONS, *_LISTED, "log-level")) - {"events-backend"}


def storage_options(settings: Settings, pairs: tuple[str, ...]) -> dict[str, Any]:
    """`--storage-opt overlay.mountopt=nodev`; "" as an only pair drops all options (podman).

    Raises InvalidArgument for an option that a shipped driver does not have.
    """
    if pairs == ("",):
        return {}
    from .keys import STORAGE_CONF

    tables = {name: dict(table) for name, table in settings.storage_options.items()}
    for pair in pairs:
        key, _, value = pair.partition("=")
        driver, dot, option = key.partition(".")
        if not dot:
            driver, option = settings.storage_driver or "overlay", key
        if option in _IMAGE_STORE:
            continue
        known = {key.name for key in STORAGE_CONF if key.table == f"storage.options.{driver}"}
        if known and option not in known:
            remedy = f"It has: {', '.join(sorted(known))}."
            raise InvalidArgument(f"{driver}: unknown option {option!r}", remedy=remedy)
        tables.setdefault(driver, {})[option] = value
    return tables


def image_stores(settings: Settings, pairs: tuple[str, ...]) -> tuple[str, ...]:
    """`--storage-opt additionalimagestore=PATH`: after the configured ones; "" is for none."""
    if pairs == ("",):
        return ()
    found = list(settings.additional_image_stores)
    for pair in pairs:
        key, _, value = pair.partition("=")
        if key.rpartition(".")[2] in _IMAGE_STORE:
            found += value.split(",")
    return tuple(found)


def _runtime_flags(settings: Settings, runtime: str, flags: tuple[str, ...]) -> dict[str, Any]:
    """`--runtime-flag log-format=json` is `--log-format=json` for every runtime used."""
    names = [runtime or settings.runtime] if runtime or settings.runtime else ["crun", "runc"]
    tables: dict[str, Any] = {name: dict(table) for name, table in settings.runtimes.items()}
    for name in names:
        table = dict(tables.get(name, {}))
        table["args"] = (*table.get("args", ()), *(f"--{flag}" for flag in flags))
        tables[name] = table
    return tables
