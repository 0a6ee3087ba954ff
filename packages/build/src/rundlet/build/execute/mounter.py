"""Mounts of one RUN, made from the words of `mounts` and undone when it has ended."""

from __future__ import annotations

import os
import posixpath

from rundlet.core.containers.request import Mount
from rundlet.core.errors import InvalidArgument
from rundlet.core.system.builds import ourselves
from rundlet.core.value import EMPTY, Value

from . import filesystem
from .caches import Caches, give

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import ExitStack
    from typing import Any

    from .mounts import RunMount
    from .options import BuildOptions
    from .origins import Origin


class Mounted(Value):
    """What a RUN gets: mounts, and variables for its process."""

    mounts: tuple[Mount, ...] = ()
    environment: Mapping[str, str] = EMPTY


class Mounter:
    """Makes the mounts of one RUN; all that is temporary ends with the stack.

    find: the directory that a `from` means. workdir: for relative targets. caches: the
    directory of those of the graph root. private: where secrets are meanwhile, "" for
    scratch; best in memory.
    """

    def __init__(
        self,
        options: BuildOptions,
        find: Callable[[str], Origin],
        *,
        workdir: str,
        caches: str,
        scratch: str,
        stack: ExitStack,
        private: str = "",
    ) -> None:
        self._private = private or scratch
        self._caches = Caches(caches, find, options.template)
        self._options = options
        self._find = find
        self._workdir = workdir
        self._scratch = scratch
        self._stack = stack

    def mounted(self, wanted: tuple[RunMount, ...]) -> Mounted:
        """All of them. Raises InvalidArgument, NotFound."""
        mounts: list[Mount] = []
        environment: dict[str, str] = {}
        makers: dict[str, Callable[[RunMount, dict[str, str]], Mount | None]] = {
            "bind": self._bind,
            "cache": self._cache,
            "tmpfs": self._tmpfs,
            "secret": self._secret,
            "ssh": self._ssh,
        }
        self._caches.hold(
            [(item, self._target(item)) for item in wanted if item.kind == "cache"], self._stack
        )
        for number, item in enumerate(wanted):
            made = makers[item.kind](
                item.replace(options={**item.options, "number": str(number)}), environment
            )
            if made is not None:
                mounts.append(made)
        return Mounted(tuple(mounts), environment)

    def volumes(self, root: str, config: Mapping[str, Any]) -> tuple[Mount, ...]:
        """Copies of the volumes of an image, so that what is changed there is forgotten.

        A volume that is not there is made, and stays in the image (--compat-volumes).
        """
        found = []
        for path in sorted(config.get("Volumes") or ()):
            if not filesystem.is_directory(root, path):
                filesystem.make_directories(root, path, 0, 0)
            copied = self._copied(filesystem.real_path(root, path))
            found.append(Mount("bind", posixpath.normpath(path), copied, ("rw",)))
        return tuple(found)

    def _target(self, item: RunMount, default: str = "") -> str:
        return posixpath.normpath(
            posixpath.join("/", self._workdir, item.text("target") or default)
        )

    def _new(self, name: str) -> str:
        path = os.path.join(self._scratch, f"{name}-{os.urandom(6).hex()}")
        os.makedirs(path, mode=0o755)
        return path

    def _bind(self, item: RunMount, environment: dict[str, str]) -> Mount:
        origin = self._find(item.text("from"))
        source = filesystem.real_path(origin.root, item.text("source") or ".")
        if not os.path.lexists(source):
            raise InvalidArgument(f"--mount=type=bind: no source {item.text('source')!r}")
        if item.switch("rw"):  # what is written is forgotten: the command gets a copy
            source = self._copied(source)
        options = ("rw",) if item.switch("rw") else ("ro",)
        return Mount("bind", self._target(item), source, options)

    def _copied(self, source: str) -> str:
        target = self._new("bind")
        if not os.path.isdir(source):
            import shutil  # slow to import

            return shutil.copy2(source, os.path.join(target, os.path.basename(source)))
        filesystem.copy_tree(source, target)
        return target

    def _tmpfs(self, item: RunMount, environment: dict[str, str]) -> Mount:
        size = item.text("size") or item.text("tmpfs-size")
        mode = item.text("mode") or item.text("tmpfs-mode")
        options = [f"{key}={value}" for key, value in (("size", size), ("mode", mode)) if value]
        return Mount("tmpfs", self._target(item), options=(*options, "notmpcopyup"))

    def _cache(self, item: RunMount, environment: dict[str, str]) -> Mount:
        path = self._caches.directory(item, self._target(item))
        return Mount("bind", self._target(item), path, ("ro",) if item.switch("ro") else ("rw",))

    def _secret(self, item: RunMount, environment: dict[str, str]) -> Mount | None:
        target, variable = item.text("target"), item.text("env")
        identity = item.text("id") or posixpath.basename(target)
        secret = next((one for one in self._options.secrets if one.id == identity), None)
        if secret is None:
            if item.switch("required"):
                raise InvalidArgument(
                    f"secret required but no secret with id {identity} found",
                    remedy=f"Give it: --secret id={identity},src=FILE",
                )
            return None
        if variable:
            environment[variable] = secret.content.decode("utf-8", "surrogateescape")
            if not target:
                return None
        path = os.path.join(self._hidden(), "secret")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secret.content)
        give(path, item, self._options.template, mode=0o400)
        return Mount("bind", self._target(item, f"/run/secrets/{identity}"), path, ("ro",))

    def _hidden(self) -> str:
        """A new directory for what nobody else is to see, until the RUN has ended."""
        directory = os.path.join(self._private, f"{ourselves()}.{os.urandom(6).hex()}")
        os.makedirs(directory, mode=0o700)
        self._stack.callback(_remove, directory)
        return directory

    def _ssh(self, item: RunMount, environment: dict[str, str]) -> Mount | None:
        identity = item.text("id", "default")
        agent = self._options.ssh.get(identity)
        if agent is None:
            if item.switch("required"):
                raise InvalidArgument(
                    f"ssh required but no ssh agent with id {identity} found",
                    remedy=f"Give it: --ssh {identity}=$SSH_AUTH_SOCK, or a key's file",
                )
            return None
        from rundlet.build.ssh.serving import served

        path = os.path.join(self._hidden(), "agent")
        self._stack.enter_context(served(agent, path))
        give(path, item, self._options.template, mode=0o600)
        target = self._target(item, f"/run/buildkit/ssh_agent.{item.text('number')}")
        environment["SSH_AUTH_SOCK"] = target
        return Mount("bind", target, path, ("rw",))


def _remove(directory: str) -> None:
    import shutil  # slow to import, and most builds need none of it

    shutil.rmtree(directory)
