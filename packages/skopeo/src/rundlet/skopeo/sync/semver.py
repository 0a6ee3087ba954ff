"""Versions and constraints on them, as `images-by-semver` of skopeo-sync(1) has them.

Grammar and meaning are those of github.com/Masterminds/semver v3 ("Basic Comparisons" and
what follows in its README): `>= 1.2, < 3`, `1.2 - 1.4.5`, `1.2.x`, `~1.2.3`, `^1.2`, `||`.
Order of versions: semver.org, item 11.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rundlet.core.errors import InvalidArgument
from rundlet.core.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable

    Test = Callable[["Version"], bool]

_PRE = r"(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?"
_VERSION = re.compile(rf"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?{_PRE}")
_PART = r"v?(?P<{0}major>\d+|[xX*])(?:\.(?P<{0}minor>\d+|[xX*]))?(?:\.(?P<{0}patch>\d+|[xX*]))?"
_CONSTRAINT = re.compile(rf"(?P<op>=|!=|>=|=>|<=|=<|>|<|~>|~|\^)?\s*{_PART.format('')}{_PRE}")
_RANGE = re.compile(r"(\S+)\s+-\s+(\S+)")
_WILD = ("x", "X", "*")
_SAME = {"": "=", "=>": ">=", "=<": "<=", "~>": "~"}


class Version(Value):
    """A version; pre: what follows the hyphen, or ""."""

    major: int
    minor: int = 0
    patch: int = 0
    pre: str = ""

    def key(self) -> tuple[object, ...]:
        """To compare by: a pre-release comes before its release, numbers before words."""
        parts = tuple(
            (0, int(part), "") if part.isdecimal() else (1, 0, part) for part in self.pre.split(".")
        )
        return self.major, self.minor, self.patch, not self.pre, parts if self.pre else ()


def version(text: str) -> Version | None:
    """The version that a tag is ("1.2.3", "v1.2", "3"), or None."""
    found = _VERSION.fullmatch(text)
    if found is None:
        return None
    major, minor, patch = (int(number or 0) for number in found.groups()[:3])
    return Version(major, minor, patch, found["pre"] or "")


def constraint(text: str) -> Test:
    """Whether a version fits. Raises InvalidArgument for what is no constraint."""
    choices = [_all(part, text) for part in text.split("||")]
    return lambda found: any(choice(found) for choice in choices)


def _all(part: str, whole: str) -> Test:
    """Constraints with commas or blanks between: all must hold."""
    rest = _RANGE.sub(r">=\1 <=\2", part).strip()
    tests: list[Test] = []
    while rest:
        found = _CONSTRAINT.match(rest)
        if found is None or rest[found.end() : found.end() + 1] not in ("", " ", ",", "\t"):
            raise InvalidArgument(f"improper constraint: {whole}")
        tests.append(_one(found))
        rest = rest[found.end() :].lstrip(" ,\t")
    if not tests:
        raise InvalidArgument(f"improper constraint: {whole!r}")
    return lambda version: all(test(version) for test in tests)


class _Bound(Value):
    """The version in a constraint, and how many of its numbers were given."""

    version: Version
    given: int

    def agrees(self, found: Version, count: int) -> bool:
        """Whether the first `count` numbers are the same."""
        mine, other = self.version, found
        return (mine.major, mine.minor, mine.patch)[:count] == (
            other.major,
            other.minor,
            other.patch,
        )[:count]


def _one(found: re.Match[str]) -> Test:
    numbers: list[int] = []
    for name in ("major", "minor", "patch"):
        if found[name] is None or found[name] in _WILD:
            break
        numbers.append(int(found[name]))
    given = len(numbers)
    major, minor, patch = (*numbers, 0, 0, 0)[:3]
    bound = _Bound(Version(major, minor, patch, found["pre"] or ""), given)
    compare = _COMPARISONS[_SAME.get(found["op"] or "", found["op"] or "")]

    def fits(version: Version) -> bool:
        # A pre-release is only wanted where the constraint names one.
        if version.pre and not bound.version.pre:
            return False
        return compare(version, bound)

    return fits


def _same(found: Version, bound: _Bound) -> bool:
    if bound.given < 3:
        return bound.agrees(found, bound.given)
    return found.key() == bound.version.key()


def _above(found: Version, bound: _Bound) -> bool:
    """`>1.2` means above all of 1.2.x."""
    return found.key() > bound.version.key() and not (
        bound.given < 3 and bound.agrees(found, bound.given)
    )


def _at_most(found: Version, bound: _Bound) -> bool:
    """`<=1.2` takes all of 1.2.x in."""
    return found.key() <= bound.version.key() or (
        bound.given < 3 and bound.agrees(found, bound.given)
    )


def _tilde(found: Version, bound: _Bound) -> bool:
    """Patches may change; with a major number alone, minors too."""
    if found.key() < bound.version.key():
        return False
    return bound.agrees(found, min(bound.given, 2))


def _caret(found: Version, bound: _Bound) -> bool:
    """Nothing may change from the first number on that is not zero."""
    if found.key() < bound.version.key():
        return False
    numbers = (bound.version.major, bound.version.minor, bound.version.patch)[: bound.given]
    first = next((place for place, number in enumerate(numbers) if number), len(numbers) - 1)
    return bound.agrees(found, first + 1)


_COMPARISONS: dict[str, Callable[[Version, _Bound], bool]] = {
    "=": _same,
    "!=": lambda found, bound: not _same(found, bound),
    ">": _above,
    ">=": lambda found, bound: found.key() >= bound.version.key(),
    "<": lambda found, bound: found.key() < bound.version.key(),
    "<=": _at_most,
    "~": _tilde,
    "^": _caret,
}
