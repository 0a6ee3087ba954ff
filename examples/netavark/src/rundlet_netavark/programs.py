"""Running netavark, and looking into network namespaces."""

from __future__ import annotations

import json
import os
import shutil

from rundlet.core.errors import NetworkError
from rundlet.core.linux.processes import run
from rundlet.core.networks.namespace import create_namespace, remove_namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_DIRECTORIES = (
    "/usr/local/libexec/podman",
    "/usr/local/lib/podman",
    "/usr/libexec/podman",
    "/usr/lib/podman",
)
"""containers.conf(5), helper_binaries_dir."""


_GONE = (
    "No such file or directory",
    "No chain/target/match by that name",
    "No such device",
    "aardvark pid not found",  # it has not begun yet, and finds nothing to do when it does
)
"""What netavark says of names, rules and interfaces that are not there."""


class Programs:
    """netavark and aardvark-dns. run_dir: where both keep what they know."""

    def __init__(self, run_dir: str, directory: str = "") -> None:
        self._run_dir = run_dir
        self._directories = (directory,) if directory else _DIRECTORIES

    def missing(self) -> str:
        """The programs that are not here; "" for none."""
        names = [name for name in ("netavark", "aardvark-dns") if not self._find(name)]
        return ", ".join([*names, *(name for name in ("ip", "nsenter") if not shutil.which(name))])

    def _find(self, name: str) -> str:
        paths = (os.path.join(directory, name) for directory in self._directories)
        return next((path for path in paths if os.access(path, os.X_OK)), "")

    def version(self) -> str:
        """What netavark says that it is."""
        said = run([self._find("netavark"), "--version"]).stdout.decode(errors="replace")
        return said.split()[-1] if said.split() else "unknown"

    def setup(self, namespace: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """Join a namespace to its networks; netavark's status of each. Raises NetworkError."""
        found: dict[str, Any] = self._netavark("setup", namespace, document)
        return found

    def teardown(self, namespace: str, document: Mapping[str, Any]) -> None:
        """Undo `setup`, also half-done and without the namespace. Raises NetworkError.

        netavark takes bridges, rules and names away only beside an interface that it deletes
        from a bridge: where one is gone or never was, another stands in for it.
        """
        scratch = ""
        if not os.path.ismount(namespace):
            namespace = scratch = f"{self._run_dir}/gone-{os.getpid()}"
            create_namespace(scratch)
        try:
            there = self.addresses(namespace)
            for network, joined in document["networks"].items():
                name = joined["interface_name"]
                if name not in there:
                    self._inside(namespace, "ip", "link", "add", name, "type", "bridge")
                definition = document["network_info"][network]
                bridge = definition["network_interface"]
                if definition["driver"] == "bridge" and not os.path.exists(
                    f"/proc/thread-self/net/dev_snmp6/{bridge}"
                ):
                    self._run("ip", "link", "add", bridge, "type", "bridge")
            try:
                self._netavark("teardown", namespace, document)
            except NetworkError as error:
                if not _only_gone(error.message):
                    raise
        finally:
            if scratch:
                remove_namespace(scratch)

    def addresses(self, namespace: str) -> dict[str, set[str]]:
        """The interfaces of a namespace and their addresses ("10.92.0.2/16")."""
        if not os.path.ismount(namespace):
            raise NetworkError(f"network namespace {namespace} is gone")
        found = json.loads(self._inside(namespace, "ip", "-json", "address"))
        return {
            link["ifname"]: {f"{one['local']}/{one['prefixlen']}" for one in link["addr_info"]}
            for link in found
        }

    def _inside(self, namespace: str, *words: str) -> bytes:
        return self._run("nsenter", f"--net={namespace}", *words)

    def _run(self, name: str, *words: str) -> bytes:
        done = run([shutil.which(name) or f"/usr/sbin/{name}", *words])
        if done.code != 0:
            why = done.stderr.decode(errors="replace").strip()
            raise NetworkError(f"{' '.join((name, *words))}: {why}")
        return done.stdout

    def _netavark(self, verb: str, namespace: str, document: Mapping[str, Any]) -> Any:
        os.makedirs(self._run_dir, mode=0o700, exist_ok=True)
        done = run(
            [self._find("netavark") or "netavark", "--config", self._run_dir, "--rootless", "false",
             "--aardvark-binary", self._find("aardvark-dns"), verb, namespace],
            stdin=json.dumps(document).encode(),
        )  # fmt: skip
        try:
            said = json.loads(done.stdout) if done.stdout.strip() else {}
        except ValueError:
            said = {"error": done.stdout.decode(errors="replace")}
        if done.code != 0:
            why = said.get("error") or done.stderr.decode(errors="replace").strip()
            raise NetworkError(f"netavark {verb}: {' '.join(why.split()) or f'code {done.code}'}")
        return said


def _only_gone(message: str) -> bool:
    """Whether all that netavark complains of is that something is gone already."""
    complaints = message.removeprefix("netavark teardown: ").split(" - ")
    if len(complaints) > 1:
        complaints = complaints[1:]  # "netavark encountered multiple errors:"
    return all(any(word in one for word in _GONE) for one in complaints)
