"""`RUN --mount=type=bind|cache|tmpfs|secret|ssh` (Dockerfile reference; containerfile(5))."""

from __future__ import annotations

import fcntl
import os
import posixpath

from rundlet.build.containerfile.faults import at
from rundlet.core.archive.create import write_tree
from rundlet.core.archive.whiteouts import PLAIN
from rundlet.core.containers.ownership import host_id
from rundlet.core.containers.request import Mount
from rundlet.core.content.produced import Produced
from rundlet.core.errors import InvalidArgument
from rundlet.core.value import EMPTY, Value

from . import filesystem
from .running import ourselves

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import ExitStack
    from typing import Any

    from rundlet.build.containerfile.instructions import Run

    from .options import BuildOptions
    from .origins import Origin

_ALIASES = {
    "src": "source",
    "dst": "target",
    "destination": "target",
    "readonly": "ro",
    "readwrite": "rw",
}
_SWITCHES = ("ro", "rw", "required", "U", "z", "Z")
_KEYS: dict[str, tuple[str, ...]] = {
    "bind": ("source", "target", "from", "ro", "rw", "bind-propagation", "z", "Z", "U"),
    "cache": (
        *("id", "target", "ro", "rw", "sharing", "from", "source", "mode", "uid", "gid"),
        *("z", "Z", "U"),
    ),
    "tmpfs": ("target", "size", "tmpfs-size", "tmpfs-mode", "mode"),
    "secret": ("id", "target", "required", "mode", "uid", "gid", "env"),
    "ssh": ("id", "target", "required", "mode", "uid", "gid"),
}
_SHARING = ("shared", "private", "locked")


class RunMount(Value):
    """One `--mount`, read and checked: its type and its options by their first names."""

    kind: str
    options: Mapping[str, str] = EMPTY

    def text(self, name: str, default: str = "") -> str:
        """An option."""
        return self.options.get(name, default)

    def switch(self, name: str) -> bool:
        """Whether a switch is on."""
        return self.options.get(name, "false") == "true"

    def number(self, name: str, default: int, base: int = 10) -> int:
        """An option that is a number. Raises InvalidArgument."""
        text = self.text(name)
        try:
            return int(text, base) if text else default
        except ValueError:
            raise InvalidArgument(f"--mount: {name}={text} is not a number") from None


class Mounted(Value):
    """What a RUN gets: mounts, and variables for its process."""

    mounts: tuple[Mount, ...] = ()
    environment: Mapping[str, str] = EMPTY


def parse(run: Run) -> tuple[RunMount, ...]:
    """The mounts of an instruction. Raises InvalidArgument that names file and line."""
    found = []
    for text in run.mounts:
        try:
            found.append(read(text))
        except InvalidArgument as error:
            raise at(run.file, run.line, error.message, remedy=error.remedy) from None
    return tuple(found)


def read(text: str) -> RunMount:
    """One --mount. Raises InvalidArgument."""
    options: dict[str, str] = {}
    for word in text.split(","):
        key, equals, value = word.strip().partition("=")
        key = _ALIASES.get(key, key)
        if not equals:
            if key not in _SWITCHES:
                raise InvalidArgument(f"--mount={text}: {key!r} needs a value")
            value = "true"
        options[key] = value
    kind = options.pop("type", "bind")
    if kind not in _KEYS:
        raise InvalidArgument(
            f"--mount={text}: unknown type {kind!r}", remedy=f"Known are {', '.join(_KEYS)}."
        )
    unknown = sorted(set(options) - set(_KEYS[kind]))
    if unknown:
        raise InvalidArgument(f"--mount={text}: {unknown[0]!r} is no option of type={kind}")
    if kind in ("bind", "cache", "tmpfs") and not options.get("target"):
        raise InvalidArgument(f"--mount={text}: a target is needed")
    if kind == "cache" and options.get("sharing", "shared") not in _SHARING:
        raise InvalidArgument(
            f"--mount={text}: unknown sharing", remedy=f"Known are {', '.join(_SHARING)}."
        )
    return RunMount(kind, options)


class Mounter:
    """Makes the mounts of one RUN; all that is temporary ends with the stack.

    find: the directory that a `from` means. workdir: for relative targets. home: the graph
    root's directory of builds, where caches stay. private: where secrets are meanwhile, "" for
    scratch; best in memory.
    """

    def __init__(
        self,
        options: BuildOptions,
        find: Callable[[str], Origin],
        *,
        workdir: str,
        home: str,
        scratch: str,
        stack: ExitStack,
        private: str = "",
    ) -> None:
        self._private = private or scratch
        self._options = options
        self._find = find
        self._workdir = workdir
        self._home = home
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
        with Produced(lambda out: write_tree(source, out, whiteouts=PLAIN)) as tar:
            filesystem.unpack(target, tar)  # type: ignore[arg-type]
        return target

    def _tmpfs(self, item: RunMount, environment: dict[str, str]) -> Mount:
        size = item.text("size") or item.text("tmpfs-size")
        mode = item.text("mode") or item.text("tmpfs-mode")
        options = [f"{key}={value}" for key, value in (("size", size), ("mode", mode)) if value]
        return Mount("tmpfs", self._target(item), options=(*options, "notmpcopyup"))

    def _cache(self, item: RunMount, environment: dict[str, str]) -> Mount:
        target = self._target(item)
        identity = item.text("id") or target
        import hashlib

        name = hashlib.sha256(f"{identity}\0{item.text('from')}".encode()).hexdigest()[:32]
        path = self._locked(name, item.text("sharing") or "shared")
        if not os.path.isdir(path):
            self._fill(path, item)
        return Mount("bind", target, path, ("ro",) if item.switch("ro") else ("rw",))

    def _locked(self, name: str, sharing: str) -> str:
        """The directory of a cache, held as its sharing says until the RUN has ended.

        locked: one at a time. private: who finds it taken gets another one.
        """
        caches = os.path.join(self._home, "caches")
        os.makedirs(caches, mode=0o700, exist_ok=True)
        for number in range(1024):
            path = os.path.join(caches, f"{name}-{number}" if number else name)
            lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._stack.callback(os.close, lock)
            if sharing != "private":
                fcntl.flock(lock, fcntl.LOCK_EX if sharing == "locked" else fcntl.LOCK_SH)
                return path
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return path
            except BlockingIOError:
                continue
        raise InvalidArgument("--mount=type=cache,sharing=private: too many builds use it")

    def _fill(self, path: str, item: RunMount) -> None:
        """Make the directory of a cache, from what `from` has at first."""
        fresh = f"{path}.{os.urandom(4).hex()}"
        os.makedirs(fresh)
        if item.text("from"):
            origin = self._find(item.text("from"))
            source = filesystem.real_path(origin.root, item.text("source") or "/")
            with Produced(lambda out: write_tree(source, out, whiteouts=PLAIN)) as tar:
                filesystem.unpack(fresh, tar)  # type: ignore[arg-type]
        self._give(fresh, item)
        os.chmod(fresh, item.number("mode", 0o755, 8))
        try:
            os.rename(fresh, path)
        except OSError:  # another build was first, and has put something in
            _remove(fresh)

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
        self._give(path, item)
        os.chmod(path, item.number("mode", 0o400, 8))
        return Mount("bind", self._target(item, f"/run/secrets/{identity}"), path, ("ro",))

    def _hidden(self) -> str:
        """A new directory for what nobody else is to see, until the RUN has ended."""
        directory = os.path.join(self._private, f"{ourselves()}.{os.urandom(6).hex()}")
        os.makedirs(directory, mode=0o700)
        self._stack.callback(_remove, directory)
        return directory

    def _give(self, path: str, item: RunMount) -> None:
        """Make it that of the user that a mount names, as its user namespace sees it."""
        template = self._options.template
        uid, gid = item.number("uid", 0), item.number("gid", 0)
        os.chown(path, host_id(uid, template.uid_map), host_id(gid, template.gid_map))

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
        self._give(path, item)
        os.chmod(path, item.number("mode", 0o600, 8))
        target = self._target(item, f"/run/buildkit/ssh_agent.{item.text('number')}")
        environment["SSH_AUTH_SOCK"] = target
        return Mount("bind", target, path, ("rw",))


def _remove(directory: str) -> None:
    import shutil  # slow to import, and most builds need none of it

    shutil.rmtree(directory)


def parts(wanted: tuple[RunMount, ...], find: Callable[[str], Origin]) -> dict[str, Any]:
    """What the result of a RUN depends on of its mounts: the files of binds, not of caches."""
    from rundlet.build.context.arriving import Ownership, fingerprints
    from rundlet.build.context.selecting import select

    found: dict[str, Any] = {}
    for item in wanted:
        if item.kind != "bind":
            continue
        origin = find(item.text("from"))
        source = item.text("source") or "."
        if origin.key:
            found[f"{item.text('target')} of {source}"] = origin.key
            continue
        members = select(origin.root, [source], where=f"--mount source={source}").members
        prints = fingerprints(members, Ownership())
        found.update({f"{item.text('target')}/{place}": text for place, text in prints.items()})
    return found
