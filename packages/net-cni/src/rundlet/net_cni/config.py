"""Network configuration: *.conflist, *.conf and *.json of the config directories.

CNI specification, section 1 ("Network configuration format"); which files are looked at,
and in which order, is libcni's way: sorted by name, the first definition of a name wins.
"""

from __future__ import annotations

import os

from rundlet.core.errors import NetworkError
from rundlet.core.json import loads
from rundlet.core.value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

VERSIONS = ("0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0")
"""Versions of the specification that are spoken here, in order."""

ENDINGS = (".conflist", ".conf", ".json")

_LONGEST = 1 << 20  # bytes of a configuration file
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")


class Damaged(NetworkError):
    """A file that is no network, where a network is looked for that may be its."""


class NetworkConfig(Value):
    """One network: its chain of plugins. `document` is the whole file, as a conflist."""

    name: str
    version: str
    plugins: tuple[Mapping[str, Any], ...]
    document: Mapping[str, Any] = EMPTY
    path: str = ""

    def reaches(self, version: str) -> bool:
        """Whether its version of the specification is at least this one."""
        return VERSIONS.index(self.version) >= VERSIONS.index(version)

    def has(self, capability: str) -> bool:
        """Whether a plugin of the chain takes this capability (section 3, runtimeConfig)."""
        return any(plugin.get("capabilities", EMPTY).get(capability) for plugin in self.plugins)

    def flag(self, name: str) -> bool:
        """`disableCheck` or `disableGC`; old writers quote their booleans."""
        return self.document.get(name, False) in (True, "true")


def valid_name(name: object) -> bool:
    """Section 1: letters, digits, "_", ".", "-", beginning with a letter or digit."""
    return isinstance(name, str) and bool(name) and name[0].isalnum() and not set(name) - _NAME


def parse(text: str | bytes, where: str) -> NetworkConfig:
    """A network from a file's text: a conflist, or a single plugin. Raises NetworkError."""
    try:
        document = loads(text)
    except (ValueError, RecursionError) as error:
        raise NetworkError(f"{where}: no JSON: {error}") from None
    return from_document(document, where)


def from_document(document: Any, where: str) -> NetworkConfig:
    """A network from parsed JSON. Raises NetworkError naming `where` and what is wrong."""
    if not isinstance(document, dict):
        raise NetworkError(f"{where}: not a JSON object")
    if "plugins" not in document and "type" in document:
        document = _as_list(document)
    name, plugins = document.get("name"), document.get("plugins")
    if not valid_name(name):
        raise NetworkError(f"{where}: invalid network name {name!r}")
    if not isinstance(plugins, list) or not plugins:
        raise NetworkError(f'{where}: no plugins in network "{name}"')
    for plugin in plugins:
        _validate(plugin, f'{where}: network "{name}"')
    return NetworkConfig(name, _version(document, where), tuple(plugins), document, where)


def _as_list(plugin: dict[str, Any]) -> dict[str, Any]:
    """A network of one plugin, as before conflists (*.conf)."""
    outer: dict[str, Any] = {k: plugin[k] for k in ("cniVersion", "name") if k in plugin}
    inner = {key: value for key, value in plugin.items() if key not in ("cniVersion", "name")}
    return {**outer, "plugins": [inner]}


def _validate(plugin: Any, where: str) -> None:
    if not isinstance(plugin, dict):
        raise NetworkError(f"{where}: a plugin is no JSON object")
    kind = plugin.get("type")
    if not isinstance(kind, str) or not kind or "/" in kind or kind in (".", ".."):
        raise NetworkError(f"{where}: a plugin has no proper type: {kind!r}")
    for key in ("capabilities", "ipam"):
        if not isinstance(plugin.get(key, {}), dict):
            raise NetworkError(f"{where}: {key} of plugin {kind} is no JSON object")


def _version(document: dict[str, Any], where: str) -> str:
    """The highest version that the file allows and we speak (`cniVersions`: since 1.1.0)."""
    several = document.get("cniVersions", [])
    wanted = [document.get("cniVersion", "0.1.0")]
    wanted = several if isinstance(several, list) and several else wanted
    known = [version for version in VERSIONS if version in wanted]
    if not known:
        raise NetworkError(
            f"{where}: cniVersion {', '.join(map(str, wanted))} is not supported",
            remedy=f"Supported: {', '.join(VERSIONS)}.",
        )
    return known[-1]


# --- directories


def files(directories: Sequence[str]) -> Iterator[str]:
    """Paths of all configuration files, in the order of preference."""
    for directory in directories:
        try:
            names = sorted(os.listdir(directory))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise NetworkError(f"cannot read {directory}: {error.strerror}") from error
        for name in names:
            if name.endswith(ENDINGS):
                yield os.path.join(directory, name)


def read(path: str) -> NetworkConfig:
    """The network of a file. Raises NetworkError."""
    try:
        with open(path, "rb") as file:
            text = file.read(_LONGEST + 1)
    except OSError as error:
        raise NetworkError(f"cannot read {path}: {error.strerror}") from error
    if len(text) > _LONGEST:
        raise NetworkError(f"{path}: longer than {_LONGEST} bytes")
    return parse(text, path)


def find(directories: Sequence[str], name: str) -> NetworkConfig | None:
    """The network of a name, "" for the first. Damaged files of others are in nobody's way.

    Raises Damaged for a file that may have the name when no good one has it, NetworkError for a
    directory.
    """
    damaged: dict[str, NetworkError] = {}
    for path in files(directories):
        try:
            network = read(path)
        except NetworkError as error:
            damaged[path] = error
            continue
        if name in ("", network.name):
            return network
    for path, problem in damaged.items():
        if _may_define(path, name):
            raise Damaged(problem.message, remedy=problem.remedy)
    return None


def _may_define(path: str, name: str) -> bool:
    """Whether a damaged file was perhaps that of a network: by its own name, or what is in it."""
    if name in os.path.basename(path):  # any, of ""
        return True
    try:
        with open(path, "rb") as file:
            return name.encode() in file.read(_LONGEST)
    except OSError:  # a directory, or a link to nowhere
        return False


def load_all(directories: Sequence[str]) -> tuple[list[NetworkConfig], list[str]]:
    """All networks, the first of each name, and what is wrong with the other files."""
    found: dict[str, NetworkConfig] = {}
    wrong = []
    for path in files(directories):
        try:
            network = read(path)
        except NetworkError as error:
            wrong.append(error.message)
            continue
        if network.name in found:
            wrong.append(f'{path}: network "{network.name}" is in {found[network.name].path} too')
        found.setdefault(network.name, network)
    return list(found.values()), wrong
