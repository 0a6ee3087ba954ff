"""Lines to instructions (Dockerfile reference; containerfile(5))."""

from __future__ import annotations

from rundlet.core.commands.values import duration

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
from .reader import Reader
from .words import WordError, split_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .lexer import Line

_NOT_TRIGGERED = ("ONBUILD", "FROM", "MAINTAINER")


def instruction(line: Line, file: str, escape: str = "\\") -> Instruction:
    """The instruction of a line. Raises InvalidArgument that names file and line."""
    reader = Reader(line, file, escape)
    read = _READERS.get(reader.name)
    if read is None:
        raise reader.fault(
            f"unknown instruction: {line.text.split(None, 1)[0]}",
            remedy=f"Known are {', '.join(sorted(_READERS))}.",
        )
    reader.take_flags()
    if not reader.rest:
        raise reader.fault(f"{reader.name} requires at least one argument")
    return read(reader)


def _from(read: Reader) -> From:
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


def _arg(read: Reader) -> Arg:
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


def _run(read: Reader) -> Run:
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


def _copy(read: Reader) -> Copy:
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


def _command(read: Reader) -> Command:
    words, shell = read.command()
    return Command(**read.common(), words=words, shell=shell)


def _shell(read: Reader) -> Command:
    words, shell = read.command()
    if shell:
        raise read.fault("SHELL requires the arguments to be in JSON form")
    return Command(**read.common(), words=words)


def _pairs(read: Reader) -> Pairs:
    return Pairs(**read.common(), pairs=read.pairs())


def _words(read: Reader) -> Words:
    found = read.json_list()
    words = tuple(read.rest.split()) if found is None else found
    if not all(words):
        raise read.fault(f"{read.name} arguments can not be empty")
    return Words(**read.common(), words=words)


def _text(read: Reader) -> Text:
    if read.name in ("USER", "STOPSIGNAL") and len(read.rest.split()) != 1:
        raise read.fault(f"{read.name} requires exactly one argument")
    return Text(**read.common(), value=read.rest)


def _on_build(read: Reader) -> OnBuild:
    trigger = read.rest.split(None, 1)[0].upper()
    if trigger == "ONBUILD":
        raise read.fault("chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if trigger in _NOT_TRIGGERED:
        raise read.fault(f"{trigger} isn't allowed as an ONBUILD trigger")
    if trigger not in _READERS:
        raise read.fault(f"unknown instruction: {trigger}")
    return OnBuild(**read.common(), value=read.rest, heredocs=read.line.heredocs)


def _healthcheck(read: Reader) -> Healthcheck:
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


def _nanoseconds(read: Reader, flag: str) -> int:
    try:
        found = round(duration(read.flag(flag)) * 1e9)
    except ValueError:
        problem = f"--{flag}: {read.flag(flag)!r} is no duration"
        raise read.fault(problem, remedy="Give one like 30s or 1m30s.") from None
    if 0 < found < 1_000_000:
        raise read.fault(f"Interval {flag!r} cannot be less than 1ms")
    return found


_READERS: dict[str, Callable[[Reader], Instruction]] = {
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
