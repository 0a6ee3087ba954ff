"""Modes as `--chmod` names them: `0644`, or `u=rwX,go=rX` as chmod(1) has it."""

from __future__ import annotations

import re

from rundlet.core.value import Value

_ACTION = r"([-+=])([ugo]|[rwxXst]*)"
_CLAUSE = re.compile(rf"([ugoa]*)((?:{_ACTION})+)")
_WHO = {"u": 0o4700, "g": 0o2070, "o": 0o1007, "a": 0o7777}
_BITS = {"r": 0o444, "w": 0o222, "x": 0o111, "s": 0o6000, "t": 0o1000}
_UMASK = 0o022
"""What a clause that names nobody leaves alone (`+w`)."""


class Mode(Value):
    """What becomes of a file's permissions. octal: all of them, -1 for what the clauses say."""

    octal: int = -1
    clauses: tuple[str, ...] = ()

    def of(self, before: int, *, directory: bool) -> int:
        """The permissions of a file that had these."""
        if self.octal >= 0:
            return self.octal
        for clause in self.clauses:
            match = _CLAUSE.fullmatch(clause)
            assert match is not None
            for sign, names in re.findall(_ACTION, match[2]):
                before = _changed(before, match[1], sign, names, directory)
        return before


def parse(text: str) -> Mode:
    """Raises ValueError for what is neither a number nor clauses."""
    if re.fullmatch("[0-7]{1,5}", text):
        number = int(text, 8)
        if number <= 0o7777:
            return Mode(number)
    clauses = tuple(text.split(","))
    if not all(_CLAUSE.fullmatch(clause) for clause in clauses):
        raise ValueError(text)
    return Mode(clauses=clauses)


def _changed(mode: int, who: str, sign: str, names: str, directory: bool) -> int:
    mask = _mask(who)
    bits = _named(mode, names, directory) & mask
    if not who:
        bits &= ~_UMASK
    if sign == "+":
        return mode | bits
    if sign == "-":
        return mode & ~bits
    kept = 0o6000 if directory else 0  # chmod(1): a directory keeps these
    return (mode & (~mask | kept)) | bits


def _mask(who: str) -> int:
    mask = 0
    for letter in who or "a":
        mask |= _WHO[letter]
    return mask


def _named(mode: int, names: str, directory: bool) -> int:
    """The bits that letters mean, for everybody."""
    if names in ("u", "g", "o"):
        shift = {"u": 6, "g": 3, "o": 0}[names]
        return (mode >> shift & 7) * 0o111
    bits = 0
    for letter in names:
        if letter == "X":
            bits |= 0o111 if directory or mode & 0o111 else 0
        else:
            bits |= _BITS[letter]
    return bits
