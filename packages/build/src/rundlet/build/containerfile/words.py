"""Words of an instruction: quotes, escapes, and variables with their modifiers.

The rules of the Dockerfile reference, "Environment replacement": `$name`, `${name}`,
`${name:-word}`, `:+`, `:?` (and without the colon: unset only), `${name#pattern}`, `##`,
`%`, `%%`, `${name/pattern/word}` and `//`.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_SPECIAL = "@*#?-$!0"
"""Parameters of a shell that have no meaning here: they are never set."""


class WordError(ValueError):
    """A word that cannot be read: an open quote or brace, a bad substitution, `${x:?}` unset."""


def split_words(text: str, escape: str = "\\") -> list[str]:
    """Words between blanks, quotes and escapes kept as they are. Raises WordError."""
    words: list[str] = []
    word = ""
    quote = ""
    inside = False
    index = 0
    while index < len(text):
        char = text[index]
        index += 1
        if not quote and char.isspace():
            if inside:
                words.append(word)
            word, inside = "", False
            continue
        inside = True
        word += char
        if char == escape and quote != "'":
            word += text[index : index + 1]
            index += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
    if quote:
        raise WordError(f"unexpected end of statement while looking for matching {quote}")
    return [*words, word] if inside else words


def expand(
    word: str, variables: Mapping[str, str], escape: str = "\\", *, keep_unset: bool = False
) -> str:
    """A word with variables replaced, quotes and escapes taken away. Raises WordError.

    keep_unset: a variable that is not set stays as it is written; else it is empty.
    """
    return _Expander(word, variables, escape, keep_unset).whole()


def expand_text(text: str, variables: Mapping[str, str], escape: str = "\\") -> str:
    """The text of a heredoc with variables replaced; quotes in it are text. Raises WordError."""
    return _Expander(text, variables, escape, False).text()


class _Expander:
    """Reads a word from the left."""

    def __init__(
        self, word: str, variables: Mapping[str, str], escape: str, keep_unset: bool
    ) -> None:
        self._word = word
        self._variables = variables
        self._escape = escape
        self._keep_unset = keep_unset
        self._at = 0

    def whole(self) -> str:
        return self._until("")

    def text(self) -> str:
        """As between double quotes, to the end."""
        out: list[str] = []
        while char := self._peek():
            out.append(self._in_double_quotes(char, "$" + self._escape))
        return "".join(out)

    def _peek(self) -> str:
        return self._word[self._at : self._at + 1]

    def _until(self, end: str) -> str:
        """The word up to one of the characters of `end`, which is taken; "" for all of it."""
        out: list[str] = []
        while char := self._peek():
            if char in end:
                self._at += 1
                return "".join(out)
            if char == "'":
                out.append(self._single())
            elif char == '"':
                out.append(self._double())
            elif char == "$":
                out.append(self._dollar())
            elif char == self._escape:
                out.append(self._word[self._at + 1 : self._at + 2])
                self._at += 2
            else:
                self._at += 1
                out.append(char)
        if end:
            raise WordError(f"syntax error: missing {end[-1]!r} in {self._word!r}")
        return "".join(out)

    def _single(self) -> str:
        end = self._word.find("'", self._at + 1)
        if end < 0:
            raise WordError("unexpected end of statement while looking for matching single-quote")
        text = self._word[self._at + 1 : end]
        self._at = end + 1
        return text

    def _double(self) -> str:
        self._at += 1
        out: list[str] = []
        while char := self._peek():
            if char == '"':
                self._at += 1
                return "".join(out)
            out.append(self._in_double_quotes(char, '"$' + self._escape))
        raise WordError("unexpected end of statement while looking for matching double-quote")

    def _in_double_quotes(self, char: str, escapable: str) -> str:
        if char == "$":
            return self._dollar()
        self._at += 1
        if char == self._escape:
            escaped = self._peek()
            if escaped and escaped in escapable:
                self._at += 1
                return escaped
        return char

    def _dollar(self) -> str:
        start = self._at
        self._at += 1
        if self._peek() != "{":
            name = self._name()
            return self._value(name, start) if name else "$"
        self._at += 1
        name = self._name()
        if not name:
            raise WordError(f"syntax error: bad substitution in {self._word!r}")
        operator = self._operator()
        if operator == "}":
            return self._value(name, start)
        if operator in ("/", "//"):
            return self._replaced(name, operator)
        argument = self._until("}")
        return self._modified(name, operator, argument, start)

    def _name(self) -> str:
        """The name of a variable here; a digit or a shell's special parameter is one too."""
        match = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|\d+").match(self._word, self._at)
        name = match[0] if match else self._peek()
        if not match and (not name or name not in _SPECIAL):
            return ""
        self._at += len(name)
        return name

    def _operator(self) -> str:
        match = re.compile(r"}|:?[-+?]|##?|%%?|//?").match(self._word, self._at)
        if match is None:
            rest = self._word[self._at :] or "end of statement"
            raise WordError(f"unsupported modifier {rest!r} in substitution {self._word!r}")
        self._at = match.end()
        return match[0]

    def _value(self, name: str, start: int) -> str:
        value = self._variables.get(name)
        if value is None:
            return self._word[start : self._at] if self._keep_unset else ""
        return value

    def _modified(self, name: str, operator: str, argument: str, start: int) -> str:
        value = self._variables.get(name)
        there = value is not None and (bool(value) or ":" not in operator)
        kind = operator[-1]
        if kind == "-":
            return value if there and value is not None else argument
        if kind == "+":
            return argument if there else ""
        if kind == "?":
            if there and value is not None:
                return value
            raise WordError(f"{name}: {argument or 'not allowed to be unset'}")
        if value is None and self._keep_unset:
            return self._word[start : self._at]
        if kind == "#":
            return _without_prefix(value or "", argument, longest=operator == "##")
        return _without_suffix(value or "", argument, longest=operator == "%%")

    def _replaced(self, name: str, operator: str) -> str:
        pattern = self._until("/}")
        replacement = "" if self._word[self._at - 1] == "}" else self._until("}")
        count = 1 if operator == "/" else 0
        found = _regex(pattern)
        return found.sub(lambda _: replacement, self._variables.get(name) or "", count)


def _without_prefix(value: str, pattern: str, *, longest: bool) -> str:
    lengths = range(len(value), -1, -1) if longest else range(len(value) + 1)
    found = _regex(pattern)
    return next((value[n:] for n in lengths if found.fullmatch(value[:n])), value)


def _without_suffix(value: str, pattern: str, *, longest: bool) -> str:
    starts = range(len(value) + 1) if longest else range(len(value), -1, -1)
    found = _regex(pattern)
    return next((value[:n] for n in starts if found.fullmatch(value[n:])), value)


def _regex(pattern: str) -> re.Pattern[str]:
    """A shell pattern: `*` and `?`, a backslash for the character itself."""
    out = ""
    characters = iter(pattern)
    for char in characters:
        if char == "*":
            out += ".*"
        elif char == "?":
            out += "."
        else:
            out += re.escape(next(characters, "\\") if char == "\\" else char)
    return re.compile(out, re.DOTALL)
