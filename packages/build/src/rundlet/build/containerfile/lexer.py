"""Containerfile text to logical lines: parser directives, comments, continuations, heredocs.

The rules are those of the Dockerfile reference ("Parser directives", "Format",
"Here-documents"), which podman and buildah share.
"""

from __future__ import annotations

import re

from rundlet.core.value import Value

from .faults import at
from .words import WordError, expand, split_words

_DIRECTIVE = re.compile(r"^#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*$")
_KNOWN_DIRECTIVES = ("syntax", "escape", "check")
_HEREDOC = re.compile(r"^(\d*)<<(-?)([^<]+)$")
_WITH_HEREDOCS = ("ADD", "COPY", "RUN", "ONBUILD")
_NEWLINE = re.compile(r"\r?\n")


class Heredoc(Value):
    """A here-document: its name and its text, the last newline included.

    expand: the name was not quoted. chomp: it began with `<<-`, so leading tabs are gone.
    word: how it stands in the instruction (`<<-"EOF"`).
    """

    name: str
    content: str
    expand: bool = True
    chomp: bool = False
    word: str = ""


class Line(Value):
    """One instruction as written: continuations joined, comments gone.

    number, last: its first and last line in the file, from 1, with the heredocs.
    """

    text: str
    number: int
    last: int
    heredocs: tuple[Heredoc, ...] = ()


class Lexed(Value):
    """A file's lines, its escape character, and its directives by lower-case name."""

    lines: tuple[Line, ...]
    escape: str = "\\"
    directives: tuple[tuple[str, str], ...] = ()


def lex(text: str, file: str = "Containerfile") -> Lexed:
    """Split a Containerfile. Raises InvalidArgument that names file and line."""
    physical = _NEWLINE.split(text.removeprefix("\ufeff"))
    directives = _directives(physical, file)
    escape = dict(directives).get("escape", "\\")
    if escape not in ("\\", "`"):
        number = 1 + next(i for i, (name, _) in enumerate(directives) if name == "escape")
        raise at(file, number, f"invalid escape token {escape!r}: it must be ` or \\")
    return Lexed(_Lexer(physical, escape, file).lines(), escape, directives)


def _directives(physical: list[str], file: str) -> tuple[tuple[str, str], ...]:
    """The directives at the very top: the first other line ends them."""
    found: dict[str, str] = {}
    for number, line in enumerate(physical, 1):
        match = _DIRECTIVE.match(line)
        if match is None or match[1].lower() not in _KNOWN_DIRECTIVES:
            break
        name = match[1].lower()
        if name in found:
            raise at(file, number, f"only one {name} parser directive can be used")
        found[name] = match[2]
    return tuple(found.items())


class _Lexer:
    """One file, read from the top. `at` is the index of the next physical line."""

    def __init__(self, physical: list[str], escape: str, file: str) -> None:
        self._physical = physical
        self._escape = escape
        self._file = file
        self._next = 0
        token = re.escape(escape)
        # Two escapes at the end are an escaped one, not a continuation.
        self._continued = re.compile(rf"(?:^|(?<!{token})){token}[ \t]*$")

    def lines(self) -> tuple[Line, ...]:
        found: list[Line] = []
        while self._next < len(self._physical):
            if self._is_nothing(self._physical[self._next]):
                self._next += 1
                continue
            number = self._next + 1
            text = self._joined().strip()
            if not text:
                continue
            heredocs = self._heredocs(text, number)
            found.append(Line(text, number, self._next, heredocs))
        return tuple(found)

    @staticmethod
    def _is_nothing(line: str) -> bool:
        """A blank line or a comment, which are left out even between continued lines."""
        text = line.lstrip()
        return not text or text.startswith("#")

    def _joined(self) -> str:
        """The line here with those that continue it. Leading blanks of these are kept."""
        text = ""
        piece = self._take().lstrip()
        while (match := self._continued.search(piece)) is not None:
            text += piece[: match.start()]
            while self._next < len(self._physical) and self._is_nothing(self._physical[self._next]):
                self._next += 1
            if self._next >= len(self._physical):
                return text
            piece = self._take()
        return text + piece

    def _take(self) -> str:
        self._next += 1
        return self._physical[self._next - 1]

    def _heredocs(self, text: str, number: int) -> tuple[Heredoc, ...]:
        """The heredocs that an instruction announces, read from the lines below it."""
        if text.split(None, 1)[0].upper() not in _WITH_HEREDOCS or "<<" not in text:
            return ()
        try:
            announced = [
                found for word in split_words(text, self._escape) if (found := _announced(word))
            ]
        except WordError:
            return ()  # quotes for the shell to judge (`RUN echo it's`)
        return tuple(self._read(heredoc, number) for heredoc in announced)

    def _read(self, heredoc: Heredoc, number: int) -> Heredoc:
        content: list[str] = []
        while self._next < len(self._physical):
            line = self._take()
            if heredoc.chomp:
                line = line.lstrip("\t")
            if line == heredoc.name:
                return heredoc.replace(content="".join(f"{line}\n" for line in content))
            content.append(line)
        raise at(
            self._file,
            number,
            f"unterminated heredoc {heredoc.name!r}",
            remedy=f"End it with a line that is {heredoc.name} and nothing else.",
        )


def _announced(word: str) -> Heredoc | None:
    """The heredoc that a word such as `<<-"EOF"` begins, still without its text."""
    match = _HEREDOC.match(word)
    if match is None:
        return None
    try:
        name = expand(match[3], {}, keep_unset=True)
    except WordError:
        return None
    if not name or any(c.isspace() for c in name):
        return None
    return Heredoc(name, "", expand=name == match[3], chomp=bool(match[2]), word=word)
