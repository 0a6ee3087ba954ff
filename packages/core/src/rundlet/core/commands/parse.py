"""The fast parser: pflag's grammar (podman's), over declarations, without imports.

`--name=value`, `--name value`, `-n value`, `-nvalue`, `-n=value`, `-it`, `--flag=false`; `--`
ends the options; a verb that is not interspersed stops at its first argument. Options of the
program are also understood after the verb (cobra's persistent flags), unless the verb has one
of the same name. Messages are pflag's (spf13/pflag flag.go, errors of strconv and time).
"""

from __future__ import annotations

from ..errors import UsageError
from .context import Parsed
from .declare import Flag, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from .declare import Arguments, Verb

_TRUE = ("1", "t", "T", "true", "TRUE", "True")
_FALSE = ("0", "f", "F", "false", "FALSE", "False")
# kind of number: what Go calls its parser, smallest and largest value
_INTEGERS = {
    "int": ("strconv.ParseInt", -(1 << 63), (1 << 63) - 1),
    "uint": ("strconv.ParseUint", 0, (1 << 64) - 1),
}


class HelpWanted(Exception):
    """`--help` or `-h` was typed where no such option is declared."""


class Options:
    """The declared options of one level, by name and shorthand, and the values found.

    above: the options of the program, which may be typed after the verb too.
    """

    def __init__(self, declared: Iterable[Flag | Option], above: Options | None = None) -> None:
        self.long: dict[str, Flag | Option] = {}
        self.short: dict[str, Flag | Option] = {}
        self.values: dict[str, Any] = {}
        self.given: set[str] = set()
        self._above = above
        for option in declared:
            self.long[option.name] = option
            if option.short:
                self.short[option.short] = option
            if isinstance(option, Flag):
                self.values[option.name] = option.default
                continue
            for alias in option.aliases:
                self.long[alias] = option
            if option.default is not None:
                self.values[option.name] = convert(option, option.name, option.default)
            else:
                self.values[option.name] = () if option.many else None

    def parse(self, words: Sequence[str], *, interspersed: bool = True) -> list[str]:
        """Take the options out of `words`; returns the arguments that are left.

        Raises UsageError for what pflag refuses, HelpWanted for an undeclared --help or -h.
        """
        left: list[str] = []
        rest = list(reversed(words))
        while rest:
            word = rest.pop()
            if word == "--":
                break
            if word.startswith("--"):
                self._long(word, rest)
            elif word.startswith("-") and word != "-":
                self._shorts(word[1:], rest)
            else:
                left.append(word)
                if not interspersed:
                    break
        left += reversed(rest)
        return left

    def parsed(self, arguments: Sequence[str] = ()) -> Parsed:
        """What was found so far, as verbs read it."""
        return Parsed(self.values, arguments, frozenset(self.given))

    def declared(self, name: str, *, short: bool = False) -> Flag | Option | None:
        """An option that may be typed here, by name or shorthand."""
        found = self._find(name, short=short)
        return None if found is None else found[1]

    def listed(self) -> list[tuple[str, str]]:
        """All that may be typed here as `--name`, with their help, for completion."""
        own = [one for name, one in self.long.items() if not one.hidden and name == one.name]
        found = [(f"--{one.name}", one.help) for one in own]
        above = self._above.listed() if self._above else [("--help", "Show the help")]
        names = {name for name, _ in found}
        return found + [one for one in above if one[0] not in names]

    def outermost(self) -> Options:
        """The options of the program."""
        return self._above.outermost() if self._above else self

    def _find(self, name: str, *, short: bool = False) -> tuple[Options, Flag | Option] | None:
        option = (self.short if short else self.long).get(name)
        if option is not None:
            return self, option
        found = self._above._find(name, short=short) if self._above else None
        return None if found is None or getattr(found[1], "local", False) else found

    def _long(self, word: str, rest: list[str]) -> None:
        name, equals, text = word[2:].partition("=")
        if not name or name.startswith("-"):
            raise UsageError(f"bad flag syntax: {word}")
        found = self._find(name)
        if found is None:
            if name == "help":
                raise HelpWanted
            raise UsageError(f"unknown flag: --{name}")
        level, option = found
        bare = "true" if isinstance(option, Flag) else option.optional
        if not equals:
            if bare is not None:
                text = bare
            elif rest:
                text = rest.pop()
            else:
                raise UsageError(f"flag needs an argument: {word}")
        level._set(option, text)

    def _shorts(self, cluster: str, rest: list[str]) -> None:
        while cluster:
            letter = cluster[0]
            found = self._find(letter, short=True)
            if found is None:
                if letter == "h":
                    raise HelpWanted
                raise UsageError(f"unknown shorthand flag: '{letter}' in -{cluster}")
            level, option = found
            bare = "true" if isinstance(option, Flag) else option.optional
            if len(cluster) > 2 and cluster[1] == "=":
                return level._set(option, cluster[2:])
            if bare is not None:
                level._set(option, bare)
                cluster = cluster[1:]
                continue
            if len(cluster) > 1:
                return level._set(option, cluster[1:])
            if not rest:
                raise UsageError(f"flag needs an argument: '{letter}' in -{cluster}")
            return level._set(option, rest.pop())
        return None

    def _set(self, option: Flag | Option, text: str) -> None:
        name = option.name
        typed = f"-{option.short}, --{name}" if option.short else f"--{name}"
        if isinstance(option, Flag):
            self.values[name] = _boolean(typed, text)
        elif option.many:
            # The first typed value replaces the default (pflag's slices).
            before = self.values[name] if name in self.given else ()
            self.values[name] = (*before, *split(option, typed, text))
        else:
            self.values[name] = convert(option, typed, text)
        self.given.add(name)


def _refused(typed: str, text: str, why: str) -> UsageError:
    return UsageError(f'invalid argument "{text}" for "{typed}" flag: {why}')


def _boolean(typed: str, text: str) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise _refused(typed, text, f'strconv.ParseBool: parsing "{text}": invalid syntax')


def split(option: Option, typed: str, text: str) -> tuple[str, ...]:
    """The values in one text of a repeated option: a line of CSV where `split` is declared."""
    if not option.split:
        return (text,)
    if not text:
        return ()
    if '"' not in text:
        return tuple(text.split(","))
    import csv

    try:
        return tuple(next(csv.reader([text], strict=True)))
    except csv.Error as error:
        raise _refused(typed, text, f"parse error: {error}") from None


def convert(option: Option, typed: str, text: str) -> object:
    """The typed value of an option's text. Raises UsageError with pflag's message."""
    if option.many:
        return split(option, typed, text)
    if option.kind != "str":
        try:
            return _of_kind(option.kind, text)
        except ValueError as error:
            raise _refused(typed, text, str(error)) from None
    if option.choices and text not in option.choices:
        choices = ", ".join(option.choices)
        raise _refused(typed, text, f'"{text}" is not a valid value.  Choose from: "{choices}"')
    return text


def _of_kind(kind: str, text: str) -> object:
    """A value that is no plain text. Raises ValueError in Go's words."""
    if kind in _INTEGERS:
        return _integer(kind, text)
    from .values import of_kind  # no hot verb has a default of these kinds

    return of_kind(kind, text)


def _integer(kind: str, text: str) -> int:
    """As Go's strconv reads integers of base 0: decimal, 0x, 0o, 0b, and octal as 010."""
    function, smallest, largest = _INTEGERS[kind]
    digits = text.lstrip("+-")
    octal = len(digits) > 1 and digits[0] == "0" and digits.isdecimal()
    try:
        if text.strip() != text or (kind == "uint" and digits != text):
            raise ValueError
        number = int(text, 8 if octal else 0)
    except ValueError:
        raise ValueError(f'{function}: parsing "{text}": invalid syntax') from None
    if not smallest <= number <= largest:
        raise ValueError(f'{function}: parsing "{text}": value out of range')
    return number


def parse_verb(verb: Verb, words: Sequence[str], path: str, above: Options | None = None) -> Parsed:
    """Parse what follows a verb's name, and check how many arguments there are.

    path: the program and the verb as typed, for messages. above: the program's options.
    """
    options = Options(verb.options, above)
    try:
        left = options.parse(words, interspersed=verb.arguments.interspersed)
    except UsageError as error:
        raise UsageError(error.message, remedy=f"See '{path} --help'") from None
    _count(verb.arguments, len(left), path)
    return options.parsed(left)


def _count(arguments: Arguments, count: int, path: str) -> None:
    """cobra's messages for a wrong number of arguments."""
    minimum, maximum = arguments.minimum, arguments.maximum
    if maximum == 0 and count:
        raise UsageError(f"`{path}` takes no arguments")
    if minimum == maximum != count:
        raise UsageError(f"accepts {minimum} arg(s), received {count}")
    if count < minimum:
        raise UsageError(f"requires at least {minimum} arg(s), only received {count}")
    if maximum >= 0 and count > maximum:
        raise UsageError(f"accepts at most {maximum} arg(s), received {count}")
