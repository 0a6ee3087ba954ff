"""Which files an ADD or COPY means, and what they are called where they arrive.

Sources are found below the root of their context as if that were `/`: a link, wherever it
points, leads to something of the context (Dockerfile reference, COPY).
"""

from __future__ import annotations

import os
import re
import stat

from rundlet.build import ignore
from rundlet.core.archive.beneath import lookup
from rundlet.core.errors import NotFound, UnsafeArchive
from rundlet.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rundlet.build.ignore import Ignore

_WILD = re.compile(r"[*?\[\\]")


class Member(Value):
    """One file that arrives.

    path: where it is on the host. name: where it goes, relative to the destination; "" for the
    destination itself, a directory. status: of the file, links not followed.
    """

    path: str
    name: str
    status: os.stat_result

    @property
    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.status.st_mode)


class Selection(Value):
    """What the words of one instruction mean.

    members: directories before what is in them; one for each place. one_file: whether it is
    a single file: the destination may give it another name.
    """

    members: tuple[Member, ...]
    one_file: bool


def select(
    root: str,
    sources: Sequence[str],
    *,
    ignored: Ignore = ignore.NOTHING,
    excluded: Ignore = ignore.NOTHING,
    parents: bool = False,
    where: str = "",
) -> Selection:
    """Find the files that `sources` mean below `root`.

    ignored: what is not there, relative to the root. excluded: what is left out, relative to
    each source (COPY --exclude). parents: files keep their directories (COPY --parents), and
    `excluded` is relative to where these begin. Raises NotFound naming the source (and `where`,
    the instruction) for one that is not there or of which nothing is left.
    """
    finder = _Finder(os.path.realpath(root), ignored, excluded, parents)
    members: dict[str, Member] = {}
    for source in sources:
        found = list(finder.found(source))
        if not found:
            raise _missing(root, source, bool(ignored or excluded), where)
        for member in found:
            members.pop(member.name, None)  # of several for one place the last one counts
            members[member.name] = member
    one = len(sources) == len(members) == 1 and not parents
    first = next(iter(members.values()))
    return Selection(tuple(members.values()), one and not first.is_directory)


def _missing(root: str, source: str, left_out: bool, where: str) -> NotFound:
    problem = "no such file or directory in the build context"
    everything = _Finder(os.path.realpath(root), ignore.NOTHING, ignore.NOTHING, False)
    if left_out and any(everything.found(source)):
        problem = "all that it means is left out by the ignore file or --exclude"
    return NotFound(f"{where}: {source}: {problem}" if where else f"{source}: {problem}")


def _relative(path: str, base: str) -> str:
    return path[len(base) :].lstrip("/")


class _Finder:
    """Looks below one root."""

    def __init__(self, root: str, ignored: Ignore, excluded: Ignore, parents: bool) -> None:
        self._root = root
        self._ignored = ignored
        self._excluded = excluded
        self._parents = parents

    def found(self, source: str) -> Iterator[Member]:
        """What a source means: nothing where there is nothing."""
        text, pivot, kept = source.rpartition("/./") if self._parents else ("", "", source)
        start = os.path.normpath(os.path.join("/", text)).lstrip("/") if pivot else ""
        pattern = os.path.normpath(os.path.join("/", start, kept)).lstrip("/")
        names = [name for name in pattern.split("/") if name]
        for path in self._expanded("", names) if _WILD.search(pattern) else [pattern]:
            real = self._real(path)
            if real is None:
                continue
            prefix = path[len(start) :].lstrip("/") if self._parents else ""
            yield from self._below(real, path, prefix, start)

    def _below(self, real: str, path: str, prefix: str, start: str) -> Iterator[Member]:
        """A file, or a directory's content, whose names begin with `prefix`."""
        status = os.lstat(real)
        if not stat.S_ISDIR(status.st_mode):
            if not self._leaves_out(path, start if self._parents else os.path.dirname(path)):
                yield Member(real, prefix or os.path.basename(path), status)
            return
        top = Member(real, prefix, status)
        base = start if self._parents else path
        if path and self._ignored.ignores(path):
            inside = self._walk(real, path, prefix, base)
            first = next(inside, None)
            if first is None:
                return
            yield from (top, first)
            yield from inside
            return
        yield top
        yield from self._walk(real, path, prefix, base)

    def _walk(self, real: str, path: str, prefix: str, base: str) -> Iterator[Member]:
        """What is in a directory; of one that is left out only what is brought back.

        base: what the patterns of `excluded` are relative to.
        """
        with os.scandir(real) as entries:
            listed = sorted(entries, key=lambda entry: os.fsencode(entry.name))
        for entry in listed:
            inner = f"{path}/{entry.name}" if path else entry.name
            name = f"{prefix}/{entry.name}" if prefix else entry.name
            status = entry.stat(follow_symlinks=False)
            left_out = self._leaves_out(inner, base)
            member = Member(entry.path, name, status)
            if not member.is_directory:
                if not left_out:
                    yield member
                continue
            if not left_out:
                yield member
                yield from self._walk(entry.path, inner, name, base)
            elif not self._prunes(inner, base):
                inside = self._walk(entry.path, inner, name, base)
                first = next(inside, None)
                if first is not None:
                    yield from (member, first)
                    yield from inside

    def _leaves_out(self, path: str, base: str) -> bool:
        return self._ignored.ignores(path) or self._excluded.ignores(_relative(path, base))

    def _prunes(self, path: str, base: str) -> bool:
        return self._ignored.prunes(path) or self._excluded.prunes(_relative(path, base))

    def _expanded(self, above: str, names: list[str]) -> Iterator[str]:
        """The paths that fit a pattern, sorted."""
        if not names:
            yield above
            return
        name, rest = names[0], names[1:]
        if not _WILD.search(name):
            yield from self._expanded(f"{above}/{name}".lstrip("/"), rest)
            return
        if name == "**":
            yield from self._expanded(above, rest) if rest else ()
        directory = self._real(above)
        if directory is None or not os.path.isdir(directory):
            return
        fits = re.compile(ignore.regex(name), re.DOTALL).fullmatch
        for entry in sorted(os.listdir(directory), key=os.fsencode):
            inner = f"{above}/{entry}".lstrip("/")
            if name == "**":
                if not rest:
                    yield inner
                elif os.path.isdir(f"{directory}/{entry}"):
                    yield from self._expanded(inner, names)
            elif fits(entry):
                yield from self._expanded(inner, rest)

    def _real(self, path: str) -> str | None:
        """Where a path below the root really is, links followed below it; None for nowhere."""
        opened = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            directory, name = lookup(opened, os.fsencode(path))
        except (FileNotFoundError, NotADirectoryError, UnsafeArchive):
            return None
        finally:
            os.close(opened)
        try:
            real = os.readlink(f"/proc/self/fd/{directory}")
        finally:
            os.close(directory)
        found = real if name == b"." else os.path.join(real, os.fsdecode(name))
        return found if os.path.lexists(found) else None
