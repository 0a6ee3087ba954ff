"""Lines to instructions (Dockerfile reference; containerfile(5))."""

from __future__ import annotations

import json

from rundlet.core.commands.parse import duration

from .faults import at
from .instructions import (
    Arg,
    Command,
    Copy,
    From,
    Healthcheck,
    Instruction,
    OnBuild,
    Pairs,
    Run,
    Text,
    Words,
)
from .words import WordError, split_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
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
_NOT_TRIGGERED = ("ONBUILD", "FROM", "MAINTAINER")


def instruction(line: Line, file: str, escape: str = "\\") -> Instruction:
    """The instruction of a line. Raises InvalidArgument that names file and line."""
    return _Reader(line, file, escape).instruction()


class _Reader:
    """One line: its name, its flags, and what is left of it."""

    def __init__(self, line: Line, file: str, escape: str) -> None:
        self._line = line
        self._file = file
        self._escape = escape
        word = line.text.split(None, 1)
        self.name = word[0].upper()
        self.rest = word[1].strip() if len(word) > 1 else ""
        self._flags: dict[str, list[str]] = {}

    def instruction(self) -> Instruction:
        read = _READERS.get(self.name)
        if read is None:
            raise self.fault(
                f"unknown instruction: {self._line.text.split(None, 1)[0]}",
                remedy=f"Known are {', '.join(sorted(_READERS))}.",
            )
        self._take_flags(_FLAGS.get(self.name, {}))
        if not self.rest:
            raise self.fault(f"{self.name} requires at least one argument")
        return read(self)

    def fault(self, problem: str, *, remedy: str = "") -> Exception:
        return at(self._file, self._line.number, problem, remedy=remedy)

    def common(self) -> dict[str, Any]:
        text = self._line.text
        return {"file": self._file, "line": self._line.number, "text": text, "name": self.name}

    # --- flags

    def _take_flags(self, known: dict[str, bool]) -> None:
        """Take the leading words that begin with `--`; one that is `--` ends them."""
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

    @property
    def line(self) -> Line:
        return self._line


def _from(read: _Reader) -> From:
    words = read.rest.split()
    alias = ""
    if len(words) == 3 and words[1].upper() == "AS":
        alias = words[2].lower()
        if not alias[0].isalpha() or alias.strip("abcdefghijklmnopqrstuvwxyz0123456789_-."):
            raise read.fault(
                f"invalid name for build stage: {words[2]!r}, name can't start with a number"
                " or contain symbols"
            )
    elif len(words) != 1:
        raise read.fault("FROM requires either one argument, or three: FROM <source> [AS <name>]")
    return From(**read.common(), image=words[0], platform=read.flag("platform"), alias=alias)


def _arg(read: _Reader) -> Arg:
    try:
        words = split_words(read.rest)
    except WordError as error:
        raise read.fault(str(error)) from None
    pairs = []
    for word in words:
        name, equals, value = word.partition("=")
        if not name:
            raise read.fault("ARG names can not be blank")
        pairs.append((name, value if equals else None))
    return Arg(**read.common(), pairs=tuple(pairs))


def _run(read: _Reader) -> Run:
    words, shell = read.command()
    network, security = read.flag("network"), read.flag("security")
    if network not in ("", "default", "none", "host"):
        raise read.fault(f"invalid network mode: {network!r}", remedy="default, none or host.")
    if security not in ("", "sandbox", "insecure"):
        raise read.fault(f"security {security!r} is not valid", remedy="sandbox or insecure.")
    return Run(
        **read.common(),
        words=words,
        shell=shell,
        mounts=read.flags("mount"),
        network=network,
        security=security,
        heredocs=read.line.heredocs,
    )


def _copy(read: _Reader) -> Copy:
    found = read.json_list()
    words = tuple(read.rest.split()) if found is None else found
    if len(words) < 2:
        raise read.fault(
            f"{read.name} requires at least two arguments, but only {len(words)} was provided."
            " Destination could not be determined"
        )
    return Copy(
        **read.common(),
        sources=words[:-1],
        destination=words[-1],
        chown=read.flag("chown"),
        chmod=read.flag("chmod"),
        origin=read.flag("from"),
        link=read.switch("link"),
        parents=read.switch("parents"),
        excludes=read.flags("exclude"),
        checksum=read.flag("checksum"),
        keep_git=read.switch("keep-git-dir"),
        unpack=read.switch("unpack") if read.flag("unpack") else None,
        heredocs=read.line.heredocs,
    )


def _command(read: _Reader) -> Command:
    words, shell = read.command()
    return Command(**read.common(), words=words, shell=shell)


def _shell(read: _Reader) -> Command:
    words, shell = read.command()
    if shell:
        raise read.fault("SHELL requires the arguments to be in JSON form")
    return Command(**read.common(), words=words)


def _pairs(read: _Reader) -> Pairs:
    return Pairs(**read.common(), pairs=read.pairs())


def _words(read: _Reader) -> Words:
    found = read.json_list()
    words = tuple(read.rest.split()) if found is None else found
    if not all(words):
        raise read.fault(f"{read.name} arguments can not be empty")
    return Words(**read.common(), words=words)


def _text(read: _Reader) -> Text:
    if read.name in ("USER", "STOPSIGNAL") and len(read.rest.split()) != 1:
        raise read.fault(f"{read.name} requires exactly one argument")
    return Text(**read.common(), value=read.rest)


def _on_build(read: _Reader) -> OnBuild:
    trigger = read.rest.split(None, 1)[0].upper()
    if trigger == "ONBUILD":
        raise read.fault("chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if trigger in _NOT_TRIGGERED:
        raise read.fault(f"{trigger} isn't allowed as an ONBUILD trigger")
    if trigger not in _READERS:
        raise read.fault(f"unknown instruction: {trigger}")
    return OnBuild(**read.common(), value=read.rest, heredocs=read.line.heredocs)


def _healthcheck(read: _Reader) -> Healthcheck:
    kind, _, rest = read.rest.partition(" ")
    if kind.upper() == "NONE":
        if rest.strip():
            raise read.fault("HEALTHCHECK NONE takes no arguments")
        return Healthcheck(**read.common(), check={"Test": ["NONE"]})
    if kind.upper() != "CMD":
        raise read.fault(f"unknown type {kind!r} in HEALTHCHECK (try CMD)")
    read.rest = rest.strip()
    if not read.rest:
        raise read.fault("missing command after HEALTHCHECK CMD")
    words, shell = read.command()
    check: dict[str, Any] = {"Test": ["CMD-SHELL" if shell else "CMD", *words]}
    for flag, key in (
        ("interval", "Interval"),
        ("timeout", "Timeout"),
        ("start-period", "StartPeriod"),
        ("start-interval", "StartInterval"),
    ):
        if read.flag(flag):
            check[key] = _nanoseconds(read, flag)
    if read.flag("retries"):
        if not read.flag("retries").isdecimal():
            raise read.fault(f"--retries must be a number, not {read.flag('retries')!r}")
        check["Retries"] = int(read.flag("retries"))
    return Healthcheck(**read.common(), check=check)


def _nanoseconds(read: _Reader, flag: str) -> int:
    try:
        found = round(duration(read.flag(flag)) * 1e9)
    except ValueError:
        problem = f"--{flag}: {read.flag(flag)!r} is no duration"
        raise read.fault(problem, remedy="Give one like 30s or 1m30s.") from None
    if 0 < found < 1_000_000:
        raise read.fault(f"Interval {flag!r} cannot be less than 1ms")
    return found


_READERS: dict[str, Callable[[_Reader], Instruction]] = {
    "ADD": _copy,
    "ARG": _arg,
    "CMD": _command,
    "COPY": _copy,
    "ENTRYPOINT": _command,
    "ENV": _pairs,
    "EXPOSE": _words,
    "FROM": _from,
    "HEALTHCHECK": _healthcheck,
    "LABEL": _pairs,
    "MAINTAINER": _text,
    "ONBUILD": _on_build,
    "RUN": _run,
    "SHELL": _shell,
    "STOPSIGNAL": _text,
    "USER": _text,
    "VOLUME": _words,
    "WORKDIR": _text,
}
