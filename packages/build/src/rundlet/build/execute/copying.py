"""ADD and COPY: what they mean, its fingerprint, and putting it into a root directory."""

from __future__ import annotations

import os
import posixpath

from rundlet.build import ignore
from rundlet.build.containerfile.faults import at
from rundlet.build.context import fetching, locations, modes
from rundlet.build.context.arriving import Ownership, fingerprints
from rundlet.build.context.selecting import Member, Selection, select
from rundlet.core.errors import InvalidArgument, RundletError
from rundlet.core.value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from rundlet.build.containerfile.instructions import Copy
    from rundlet.build.context.modes import Mode
    from rundlet.build.ignore import Ignore

    from .origins import Origin


class Group(Value):
    """Files of one kind of source, and whose they become.

    prints: place to what it depends on, {} for the files themselves.
    """

    selection: Selection
    ownership: Ownership
    prints: Mapping[str, str] = EMPTY


class Plan(Value):
    """What one instruction copies. destination: absolute, links not followed.

    archives: files that are unpacked, each with its digest. directory: whether the destination
    is one, as far as the words say. prints: place to fingerprint, of all.
    """

    item: Copy
    destination: str
    groups: tuple[Group, ...]
    archives: tuple[tuple[str, str], ...]
    directory: bool
    prints: dict[str, str]

    def parts(self) -> dict[str, Any]:
        """What the result depends on, besides what is below."""
        item = self.item
        return {
            "instruction": item.name,
            "destination": self.destination + ("/" if self.directory else ""),
            "chown": item.chown,
            "chmod": item.chmod,
            "files": self.prints,
        }


class Planner:
    """Reads the sources of one stage's instructions.

    scratch: where to put what is fetched. origin: the directory that --from means.
    """

    def __init__(self, scratch: str, ignored: Ignore, workdir: str) -> None:
        self._scratch = scratch
        self._ignored = ignored
        self._workdir = workdir

    def plan(self, item: Copy, origin: Origin) -> Plan:
        """Find and fingerprint everything. Raises errors that name file and line."""
        try:
            return self._plan(item, origin)
        except RundletError as error:
            if not error.message.startswith(f"{item.file}:"):
                error.args = (f"{item.where}: {item.name}: {error.message}",)
                error.message = error.args[0]
            raise

    def _plan(self, item: Copy, origin: Origin) -> Plan:
        mode = _mode(item)
        announced = {doc.word: doc for doc in item.heredocs}
        groups: list[Group] = []
        archives: list[tuple[str, str]] = []
        plain: list[str] = []
        for source in item.sources:
            if source in announced:
                doc = announced[source]
                path = self._file(doc.name, doc.content.encode())
                groups.append(_single(path, doc.name, Ownership(0, 0, mode)))
            elif item.name == "ADD" and locations.is_git(source):
                groups.append(self._git(item, source, mode))
            elif item.name == "ADD" and locations.is_http(source):
                self._http(item, source, mode, groups, archives)
            else:
                plain.append(source)
        if plain:
            if item.checksum:
                raise InvalidArgument(
                    f"--checksum: {plain[0]} is no URL and no git repository, which have one"
                )
            self._plain(item, plain, origin, mode, groups, archives)
        destination, directory = self._destination(item, groups, archives)
        prints = {place: text for group in groups for place, text in _prints(group).items()}
        prints.update({f"{os.path.basename(path)} (unpacked)": digest for path, digest in archives})
        return Plan(item, destination, tuple(groups), tuple(archives), directory, prints)

    def _plain(
        self,
        item: Copy,
        sources: Sequence[str],
        origin: Origin,
        mode: Mode | None,
        groups: list[Group],
        archives: list[tuple[str, str]],
    ) -> None:
        """Files of the context or of --from. ADD unpacks those of them that are archives."""
        selection = select(
            origin.root,
            sources,
            ignored=ignore.NOTHING if item.origin else self._ignored,
            excluded=ignore.patterns(item.excludes),
            parents=item.parents,
            where=item.where,
        )
        ownership = Ownership(mode=mode) if origin.owned else Ownership(0, 0, mode)
        if item.name != "ADD" or item.unpack is False or item.origin:
            groups.append(Group(selection, ownership))
            return
        kept = []
        direct = len(sources) == 1 and selection.members[0].is_directory
        for member in selection.members:
            inside = direct or "/" in member.name or member.is_directory
            if not inside and os.path.isfile(member.path) and fetching.is_archive(member.path):
                archives.append((member.path, _digest(member.path)))
            else:
                kept.append(member)
        if kept:
            groups.append(Group(selection.replace(members=tuple(kept)), ownership))

    def _file(self, name: str, content: bytes) -> str:
        directory = os.path.join(self._scratch, os.urandom(6).hex())
        os.makedirs(directory)
        path = os.path.join(directory, os.path.basename(name) or "file")
        with open(path, "xb") as file:
            file.write(content)
        os.chmod(path, 0o644)
        return path

    def _http(
        self,
        item: Copy,
        url: str,
        mode: Mode | None,
        groups: list[Group],
        archives: list[tuple[str, str]],
    ) -> None:
        path = os.path.join(self._scratch, f"download-{os.urandom(6).hex()}")
        found = fetching.download(url, path, checksum=item.checksum)
        if not found.name and item.destination.endswith("/"):
            raise InvalidArgument(f"{url}: cannot tell a file name from the URL")
        if item.unpack and fetching.is_archive(path):
            archives.append((path, found.digest))
            return
        times = found.modified or 0
        os.utime(path, ns=(times, times))
        os.chmod(path, 0o600)  # Dockerfile reference, ADD: what a URL gives is its owner's
        groups.append(_single(path, found.name, Ownership(0, 0, mode)))

    def _git(self, item: Copy, url: str, mode: Mode | None) -> Group:
        target = os.path.join(self._scratch, f"git-{os.urandom(6).hex()}")
        what = locations.git(url)
        made = fetching.clone(what, target, keep_git=item.keep_git, commit=item.checksum)
        selection = select(made.directory, ["."], excluded=ignore.patterns(item.excludes))
        kept = (".git",) if item.keep_git else ()  # of which each clone has another index
        key = " ".join((made.commit, what.directory, *kept, *item.excludes))
        return Group(selection, Ownership(0, 0, mode), {url: key})

    def _destination(
        self, item: Copy, groups: Sequence[Group], archives: Sequence[object]
    ) -> tuple[str, bool]:
        text = item.destination
        destination = posixpath.normpath(posixpath.join("/", self._workdir, text))
        destination = "/" + destination.lstrip("/")
        one = len(groups) == 1 and groups[0].selection.one_file and not archives
        directory = not one or text.endswith(("/", "/.")) or text == "."
        if len(item.sources) > 1 and not (text.endswith("/") or text == "."):
            raise at(
                item.file,
                item.line,
                f"when using {item.name} with more than one source, the destination must be a"
                " directory and end with a /",
            )
        return destination, directory


def _prints(group: Group) -> Mapping[str, str]:
    return group.prints or fingerprints(group.selection.members, group.ownership)


def linkable(plan: Plan) -> bool:
    """Whether --link can be kept: no archive, and an owner in numbers."""
    names = [name for name in plan.item.chown.split(":") if name]
    return not plan.archives and all(name.isdecimal() for name in names)


def _single(path: str, name: str, ownership: Ownership) -> Group:
    return Group(Selection((Member(path, name, os.lstat(path)),), True), ownership)


def _mode(item: Copy) -> Mode | None:
    try:
        return modes.parse(item.chmod) if item.chmod else None
    except ValueError:
        problem = f"--chmod={item.chmod}: it must be a mode like 0644 or u=rwX,go=rX"
        raise at(item.file, item.line, problem) from None


def _digest(path: str) -> str:
    import hashlib

    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
