"""The verbs of a program: entry points of its group, found by the words that were typed."""

from __future__ import annotations

import os
import sys

from ..errors import UsageError
from ..plugins.faults import broken, load
from ..plugins.index import EntryPoint, index
from .declare import Group, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .declare import Program
    from .parse import Options


class Found:
    """A verb or group, where it is from, the words that named it, and the words after it."""

    def __init__(
        self, declared: Verb | Group, entry: EntryPoint, named: list[str], rest: list[str]
    ) -> None:
        self.declared = declared
        self.entry = entry
        self.named = named
        self.rest = rest


class Verbs:
    """The verbs and groups of a program, by their names with dots ("image.ls")."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._rows: dict[str, list[tuple[str, str, str, str]]] = {}
        for row in index().get(program.group, ()):
            self._rows.setdefault(row[0], []).append(row)

    def names(self, below: str = "") -> list[str]:
        """Names of the verbs right below a group, or at the top."""
        prefix = f"{below}." if below else ""
        return sorted(
            name.removeprefix(prefix)
            for name in self._rows
            if name.startswith(prefix) and "." not in name.removeprefix(prefix)
        )

    def entry(self, name: str) -> EntryPoint | None:
        """The entry point of a verb: of several with one name, the shipped one."""
        rows = self._rows.get(name)
        if rows is None:
            return None
        found = [EntryPoint(self.program.group, *row) for row in rows]
        if len(found) == 1:
            return found[0]
        first, *others = sorted(found, key=lambda entry: not entry.shipped)
        for other in others:
            if other.value != first.value:
                sys.stderr.write(
                    f"WARN[0000] verb {name!r} of {other.distribution} {other.version} is hidden"
                    f" by that of {first.distribution}\n"
                )
        return first

    def get(self, name: str) -> Verb | Group | None:
        """Import a declaration. Raises PluginError when its distribution is broken."""
        entry = self.entry(name)
        return None if entry is None else self._declared(entry)

    def _declared(self, entry: EntryPoint) -> Verb | Group:
        declared = load(entry)
        if not isinstance(declared, (Verb, Group)):
            raise broken(entry, f"names {declared!r}, which is no Verb or Group")
        return declared

    def find(self, words: Sequence[str], options: Options, named: list[str]) -> Found | None:
        """The verb that the words name; None for an unknown first word.

        options: those of the program, which may stand between a group and its verb. named: the
        first word; gets those that name it, also where help of a group is asked for.
        Raises UsageError for an unknown word after a group, and PluginError.
        """
        entry = self.entry(words[0])
        if entry is None:
            return None
        declared = self._declared(entry)
        rest = list(words[1:])
        while isinstance(declared, Group) and rest:
            try:
                rest = options.parse(rest, interspersed=False)
            except UsageError as error:
                path = " ".join((self.program.name, *named))
                raise UsageError(error.message, remedy=f"See '{path} --help'") from None
            if not rest:
                break
            inner = self.entry(".".join((*named, rest[0])))
            if inner is None:
                raise self.unknown(rest[0], named)
            entry, declared = inner, self._declared(inner)
            named.append(rest.pop(0))
        return Found(declared, entry, named, rest)

    def unknown(self, word: str, named: Sequence[str] = ()) -> UsageError:
        """podman's error for a word that is no verb, with what may have been meant.

        Of a verb that is known to be missing it says why instead.
        """
        path = " ".join((self.program.name, *named))
        if why := self.absent(" ".join((*named, word))):
            return UsageError(f"unrecognized command `{path} {word}`: {why}")
        near = suggestions(word, self.names(".".join(named)))
        hint = "\nDid you mean this?\n\t" + "\n\t".join(near) + "\n\n" if near else ""
        return UsageError(
            f"unrecognized command `{path} {word}`",
            remedy=f"{hint}Try '{path} --help' for more information",
        )

    def absent(self, verb: str) -> str:
        """Why the program does not have a verb; "" for one that nobody has heard of."""
        if not self.program.absent:
            return ""
        module, _, name = self.program.absent.partition(":")
        __import__(module)
        reasons: Mapping[str, str] = getattr(sys.modules[module], name)
        return reasons.get(verb, "")


def suggestions(word: str, names: Sequence[str]) -> list[str]:
    """The names that a mistyped word is near to, nearest first; podman's limit."""
    near = [(_distance(word, name), name) for name in names]
    return [name for far, name in sorted(near) if far <= 2 or name.startswith(word)]


def _distance(one: str, other: str) -> int:
    """Levenshtein's: how many letters to add, drop or change."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            change = previous + (a != b)
            previous = row[j]
            row[j] = min(row[j] + 1, row[j - 1] + 1, change)
    return row[-1]


def programs(program: Program) -> dict[str, str]:
    """`PROGRAM-NAME` executables beside this one and on PATH: verbs, as git has them."""
    found: dict[str, str] = {}
    prefix = f"{program.name}-"
    for directory in _directories():
        try:
            names = sorted(os.listdir(directory))
        except OSError:
            continue
        for name in names:
            if name.startswith(prefix) and _is_program(f"{directory}/{name}"):
                found.setdefault(name.removeprefix(prefix), f"{directory}/{name}")
    return found


def external(program: Program, word: str) -> str:
    """The path of `PROGRAM-WORD`, or ""."""
    if "/" in word or word.startswith("-"):
        return ""
    for directory in _directories():
        path = f"{directory}/{program.name}-{word}"
        if _is_program(path):
            return path
    return ""


def _directories() -> list[str]:
    """Where this interpreter's scripts are (a venv not on PATH), and PATH; no relative ones."""
    places = [os.path.dirname(sys.executable), *os.environ.get("PATH", "").split(":")]
    return [place for place in places if place.startswith("/")]


def _is_program(path: str) -> bool:
    return os.access(path, os.X_OK) and os.path.isfile(path)
