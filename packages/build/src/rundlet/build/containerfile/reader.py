"""The words of a line: its flags, and the forms that follow them (containerfile(5))."""

from __future__ import annotations

import json

from .faults import at
from .words import WordError, split_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .lexer import Line

_MANY = frozenset({"exclude", "mount"})
_FLAGS: dict[str, dict[str, bool]] = {
    # instruction: flag: whether it is a switch
    "FROM": {"platform": False},
    "RUN": {"mount": False, "network": False, "security": False},
    "COPY": {
        "from": False,
        "chown": False,
        "chmod": False,
        "exclude": False,
        "link": True,
        "parents": True,
    },
    "ADD": {
        "chown": False,
        "chmod": False,
        "checksum": False,
        "exclude": False,
        "from": False,
        "link": True,
        "keep-git-dir": True,
        "unpack": True,
        "parents": True,
    },
    "HEALTHCHECK": dict.fromkeys(
        ("interval", "timeout", "start-period", "start-interval", "retries"), False
    ),
}


class Reader:
    """One line: its name, its flags, and what is left of it."""

    def __init__(self, line: Line, file: str, escape: str) -> None:
        self.line = line
        self._file = file
        self._escape = escape
        word = line.text.split(None, 1)
        self.name = word[0].upper()
        self.rest = word[1].strip() if len(word) > 1 else ""
        self._flags: dict[str, list[str]] = {}

    def fault(self, problem: str, *, remedy: str = "") -> Exception:
        return at(self._file, self.line.number, problem, remedy=remedy)

    def common(self) -> dict[str, Any]:
        text = self.line.text
        return {"file": self._file, "line": self.line.number, "text": text, "name": self.name}

    # --- flags

    def take_flags(self) -> None:
        """Take the leading words that begin with `--`; one that is `--` ends them.

        Raises InvalidArgument for one that the instruction does not have.
        """
        known = _FLAGS.get(self.name, {})
        while known and self.rest.startswith("--"):
            word, self.rest = self._first_word()
            if word == "--":
                return
            name, given, value = word[2:].partition("=")
            if name not in known:
                raise self.fault(
                    f"unknown flag: --{name} of {self.name}",
                    remedy=f"Known are {', '.join(f'--{flag}' for flag in sorted(known))}.",
                )
            if not given:
                if not known[name]:
                    raise self.fault(f"missing a value on flag: --{name}")
                value = "true"
            if name in self._flags and name not in _MANY:
                raise self.fault(f"duplicate flag specified: --{name}")
            self._flags.setdefault(name, []).append(value)

    def _first_word(self) -> tuple[str, str]:
        """The first word, where quotes and escapes keep blanks, and what follows it."""
        quote = ""
        index = 0
        while index < len(self.rest):
            char = self.rest[index]
            if char == self._escape:
                index += 1
            elif quote:
                quote = "" if char == quote else quote
            elif char in "'\"":
                quote = char
            elif char.isspace():
                break
            index += 1
        return self.rest[:index], self.rest[index:].strip()

    def flag(self, name: str) -> str:
        return self._flags.get(name, [""])[0]

    def flags(self, name: str) -> tuple[str, ...]:
        return tuple(self._flags.get(name, ()))

    def switch(self, name: str) -> bool:
        value = self.flag(name).lower()
        if value not in ("", "true", "false", "1", "0"):
            raise self.fault(f"expecting boolean value for flag --{name}, not: {value}")
        return value in ("true", "1")

    # --- what follows them

    def json_list(self) -> tuple[str, ...] | None:
        """The exec form: a JSON list of strings. None for all else, which is the shell form."""
        if not self.rest.startswith("["):
            return None
        try:
            found = json.loads(self.rest)
        except ValueError:
            return None
        if isinstance(found, list) and all(isinstance(word, str) for word in found):
            return tuple(found)
        return None

    def command(self) -> tuple[tuple[str, ...], bool]:
        """(words, whether they are one text for the shell)."""
        found = self.json_list()
        return ((self.rest,), True) if found is None else (found, False)

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """`name=value ...` in quotes or not, or the old form `name value`."""
        try:
            words = split_words(self.rest, self._escape)
        except WordError as error:
            raise self.fault(str(error)) from None
        if "=" not in words[0]:
            name, value = ([*self.rest.split(None, 1), ""])[:2]
            if not value:
                raise self.fault(f"{self.name} must have two arguments")
            return ((name, value),)
        found = []
        for word in words:
            name, equals, value = word.partition("=")
            if not equals:
                raise self.fault(
                    f"syntax error: can't find = in {word!r}: it must be of the form name=value"
                )
            if not name:
                raise self.fault(f"{self.name} names can not be blank")
            found.append((name, value))
        return tuple(found)
