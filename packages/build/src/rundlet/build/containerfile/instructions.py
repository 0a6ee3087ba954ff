"""Instructions of a Containerfile as values. Words are as written: `expanding` replaces
variables in those that have them replaced (Dockerfile reference, "Environment replacement").
"""

from __future__ import annotations

from rundlet.core.value import EMPTY, Value

from .lexer import Heredoc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Instruction(Value):
    """What all have: the file and lines where it stands, its text, its name in capitals."""

    file: str
    line: int
    text: str
    name: str

    @property
    def where(self) -> str:
        """`FILE:LINE`, for messages."""
        return f"{self.file}:{self.line}"

    @property
    def rest(self) -> str:
        """The text after the name, flags included."""
        return self.text[len(self.name) :].strip()


class From(Instruction):
    """FROM: an image, `scratch`, a stage or a named context. alias: its AS name, lower case."""

    image: str
    platform: str = ""
    alias: str = ""


class Arg(Instruction):
    """ARG: names with their defaults, None for none."""

    pairs: tuple[tuple[str, str | None], ...]


class Pairs(Instruction):
    """ENV or LABEL."""

    pairs: tuple[tuple[str, str], ...]


class Command(Instruction):
    """CMD, ENTRYPOINT, SHELL: the words of the exec form, or the one text of the shell form."""

    words: tuple[str, ...]
    shell: bool = False


class Run(Instruction):
    """RUN. words and shell as in Command; mounts: the values of --mount, as written."""

    words: tuple[str, ...]
    shell: bool = False
    mounts: tuple[str, ...] = ()
    network: str = ""
    security: str = ""
    heredocs: tuple[Heredoc, ...] = ()


class Copy(Instruction):
    """ADD or COPY.

    sources: paths, URLs, or words that announce a heredoc. origin: --from. chmod, chown: as
    written. unpack: ADD's --unpack; None for what kind of source it is to decide.
    """

    sources: tuple[str, ...]
    destination: str
    chown: str = ""
    chmod: str = ""
    origin: str = ""
    link: bool = False
    parents: bool = False
    excludes: tuple[str, ...] = ()
    checksum: str = ""
    keep_git: bool = False
    unpack: bool | None = None
    heredocs: tuple[Heredoc, ...] = ()


class Words(Instruction):
    """EXPOSE or VOLUME."""

    words: tuple[str, ...]


class Text(Instruction):
    """USER, WORKDIR, STOPSIGNAL, MAINTAINER; ONBUILD, whose value is an instruction's text."""

    value: str


class OnBuild(Text):
    """ONBUILD, with the heredocs of the instruction that it keeps."""

    heredocs: tuple[Heredoc, ...] = ()


class Healthcheck(Instruction):
    """HEALTHCHECK: the image config's `Healthcheck` object (times in nanoseconds)."""

    check: Mapping[str, Any] = EMPTY
