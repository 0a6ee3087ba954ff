"""`.containerignore` and `.dockerignore`: which paths of a build context do not exist for it.

The rules are Docker's ("dockerignore file" in its reference), which buildah keeps: one pattern
a line, Go's filepath.Match with `**` for any number of directories, a path is matched by its
own name or by that of a directory above it, `!` brings back, and the last match counts.
"""

from __future__ import annotations

import os
import posixpath
import re

from rundlet.core.errors import InvalidArgument, NotFound
from rundlet.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_NAMES = (".containerignore", ".dockerignore")


class Pattern(Value):
    """One line: the pattern as it is matched, and whether it brings back (`!`)."""

    text: str
    negated: bool
    matches: re.Pattern[str]


class Ignore:
    """The patterns of a file, or of `--exclude` options, in their order."""

    def __init__(self, patterns: Iterable[Pattern] = ()) -> None:
        self._patterns = tuple(patterns)
        self._brings_back = any(pattern.negated for pattern in self._patterns)

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def __add__(self, other: Ignore) -> Ignore:
        return Ignore((*self._patterns, *other._patterns))

    def ignores(self, path: str) -> bool:
        """Whether a path ("src/main.c", relative to the context) is left out."""
        if not self._patterns:
            return False
        above = _and_above(path)
        ignored = False
        for pattern in self._patterns:
            if pattern.negated == ignored and any(map(pattern.matches.fullmatch, above)):
                ignored = not pattern.negated
        return ignored

    def prunes(self, directory: str) -> bool:
        """Whether nothing below a directory can be wanted: it need not be read."""
        return not self._brings_back and self.ignores(directory)


NOTHING = Ignore()
"""What ignores no path."""


def parse(text: str, file: str = ".containerignore") -> Ignore:
    """Patterns of an ignore file. Raises InvalidArgument that names file and line."""
    found = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        if line.startswith("#") or not line.strip():
            continue
        found.append(_pattern(line.strip(), f"{file}:{number}"))
    return Ignore(pattern for pattern in found if pattern.text != ".")


def patterns(words: Iterable[str], what: str = "--exclude") -> Ignore:
    """Patterns of options. Raises InvalidArgument."""
    return Ignore(_pattern(word, what) for word in words if word.strip())


def find(context: str, containerfile: str = "", given: str = "") -> Ignore:
    """The ignore file of a build: the one given, the Containerfile's own, the context's.

    containerfile: its path, whose own is `NAME.containerignore` or `NAME.dockerignore` beside
    it. Raises NotFound for one that was given, InvalidArgument for a wrong pattern and for what
    cannot be read.
    """
    candidates = [given] if given else []
    if not given and containerfile:
        candidates += [containerfile + name for name in _NAMES]
    if not given:
        candidates += [os.path.join(context, name) for name in _NAMES]
    for path in candidates:
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                return parse(file.read(), path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise InvalidArgument(f"ignore file {path}: {error.strerror}") from None
    if given:
        raise NotFound(f"--ignorefile {given}: no such file")
    return NOTHING


def _pattern(line: str, where: str) -> Pattern:
    negated = line.startswith("!")
    text = line[1:].strip() if negated else line
    if not text:
        raise InvalidArgument(f'{where}: illegal exclusion pattern: "!"')
    cleaned = posixpath.normpath(text)
    if len(cleaned) > 1:
        cleaned = cleaned.lstrip("/")
    try:
        return Pattern(cleaned, negated, re.compile(regex(cleaned), re.DOTALL))
    except (re.error, ValueError) as error:
        raise InvalidArgument(f"{where}: syntax error in pattern {text!r}: {error}") from None


def _and_above(path: str) -> list[str]:
    """A path and the directories above it."""
    found = [path]
    while "/" in path:
        path = path.rpartition("/")[0]
        found.append(path)
    return found


def regex(pattern: str) -> str:
    """A pattern as a regular expression. Raises ValueError for a class that is not closed."""
    out = ""
    index = 0
    while index < len(pattern):
        char = pattern[index]
        index += 1
        if char == "*":
            if pattern[index : index + 1] != "*":
                out += "[^/]*"
                continue
            index += 1
            if pattern[index : index + 1] == "/":
                index += 1
            out += "(?:.*/)?" if index < len(pattern) else ".*"
        elif char == "?":
            out += "[^/]"
        elif char == "[":
            chars, index = _class(pattern, index)
            out += chars
        elif char == "\\":
            if index >= len(pattern):
                raise ValueError("it ends in a backslash")
            out += re.escape(pattern[index])
            index += 1
        else:
            out += re.escape(char)
    return out


def _class(pattern: str, index: int) -> tuple[str, int]:
    """A class such as `[^a-z]` from behind its bracket: (expression, index behind it)."""
    negated = pattern[index : index + 1] == "^"
    index += negated
    items: list[str] = []
    while index < len(pattern) and (pattern[index] != "]" or not items):
        low, index = _character(pattern, index)
        high = low
        if pattern[index : index + 1] == "-" and index + 1 < len(pattern):
            high, index = _character(pattern, index + 1)
        items.append(f"{re.escape(low)}-{re.escape(high)}")
    if index >= len(pattern):
        raise ValueError("a class is not closed")
    return f"(?!/)[{'^' if negated else ''}{''.join(items)}]", index + 1


def _character(pattern: str, index: int) -> tuple[str, int]:
    if pattern[index] == "\\":
        index += 1
    if index >= len(pattern) or pattern[index] == "]":
        raise ValueError("a class is not closed")
    return pattern[index], index + 1
