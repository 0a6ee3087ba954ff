"""The fast parser: pflag's grammar (podman's), over declarations, without imports.

`--name=value`, `--name value`, `-n value`, `-nvalue`, `-it`, `--flag=false`, `--` ends the
options; a verb that is not interspersed stops at its first argument. Messages are pflag's.
"""

from __future__ import annotations

from ..errors import UsageError
from .context import Parsed
from .declare import Flag, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .declare import Arguments, Program, Verb

_TRUE = ("1", "t", "T", "true", "TRUE", "True")
_FALSE = ("0", "f", "F", "false", "FALSE", "False")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class HelpWanted(Exception):
    """`--help` or `-h` was typed where the verb declares no such option."""


class _Options:
    """The declared options of one level, by name and shorthand, and the values found."""

    def __init__(self, declared: Iterable[Flag | Option]) -> None:
        self.long: dict[str, Flag | Option] = {}
        self.short: dict[str, Flag | Option] = {}
        self.values: dict[str, object] = {}
        self.given: set[str] = set()
        self._replaced: set[str] = set()
        for option in declared:
            self.long[option.name] = option
            if option.short:
                self.short[option.short] = option
            for alias in getattr(option, "aliases", ()):
                self.long[alias] = option
            self.values[option.name] = _default(option)

    def set(self, option: Flag | Option, typed: str, text: str) -> None:
        """Take one value. `typed` is how the option was written, for messages."""
        self.given.add(option.name)
        if isinstance(option, Flag):
            self.values[option.name] = _boolean(typed, text)
            return
        value = convert(option, typed, text)
        if not option.many:
            self.values[option.name] = value
            return
        # The first typed value replaces the default (pflag's slices).
        before = self.values[option.name] if option.name in self._replaced else ()
        assert isinstance(before, tuple) and isinstance(value, tuple)
        self._replaced.add(option.name)
        self.values[option.name] = before + value


def _default(option: Flag | Option) -> object:
    if isinstance(option, Flag):
        return option.default
    if option.default is None:
        return () if option.many else None
    return convert(option, f"--{option.name}", option.default)


def _boolean(typed: str, text: str) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise UsageError(
        f'invalid argument "{text}" for "{typed}" flag:'
        f' strconv.ParseBool: parsing "{text}": invalid syntax'
    )


def convert(option: Option, typed: str, text: str) -> object:
    """The typed value of an option's text. Raises UsageError with pflag's message."""
    if option.many:
        return tuple(text.split(",")) if option.split and text else (text,)
    try:
        if option.kind == "int":
            return int(text, 0)
        if option.kind == "float":
            return float(text)
        if option.kind == "duration":
            return duration(text)
    except ValueError:
        raise UsageError(
            f'invalid argument "{text}" for "{typed}" flag: parsing "{text}": invalid syntax'
        ) from None
    if option.choices and text not in option.choices:
        raise UsageError(
            f'invalid argument "{text}" for "{typed}" flag: choose one of'
            f" {', '.join(option.choices)}"
        )
    return text


def duration(text: str) -> float:
    """Seconds of a Go duration ("1h5m", "300ms") or of a plain number. Raises ValueError."""
    try:
        return float(text)
    except ValueError:
        pass
    sign, rest = (-1.0, text[1:]) if text.startswith("-") else (1.0, text)
    total = 0.0
    while rest:
        number = ""
        while rest and (rest[0].isdigit() or rest[0] == "."):
            number, rest = number + rest[0], rest[1:]
        unit = ""
        while rest and not (rest[0].isdigit() or rest[0] == "."):
            unit, rest = unit + rest[0], rest[1:]
        if unit not in _UNITS:
            raise ValueError(text)
        total += float(number) * _UNITS[unit]
    return sign * total


def parse(
    declared: Iterable[Flag | Option], words: Sequence[str], *, interspersed: bool = True
) -> tuple[Parsed, list[str]]:
    """Parse one level; returns the options and the arguments left.

    Raises UsageError for what pflag refuses, HelpWanted for an undeclared --help or -h.
    """
    options = _Options(declared)
    left: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            left += rest
            break
        if word.startswith("--"):
            _long(options, word, rest)
        elif word.startswith("-") and word != "-":
            _shorts(options, word, rest)
        else:
            left.append(word)
            if not interspersed:
                left += rest
                break
    return Parsed(options.values, left, frozenset(options.given)), left


def _long(options: _Options, word: str, rest: list[str]) -> None:
    name, equals, text = word[2:].partition("=")
    option = options.long.get(name)
    if option is None:
        if name == "help":
            raise HelpWanted
        raise UsageError(f"unknown flag: --{name}")
    typed = f"--{option.name}" if not option.short else f"-{option.short}, --{option.name}"
    options.set(option, typed, _value(option, word, bool(equals), text, rest))


def _shorts(options: _Options, word: str, rest: list[str]) -> None:
    cluster = word[1:]
    while cluster:
        letter, cluster = cluster[0], cluster[1:]
        option = options.short.get(letter)
        if option is None:
            if letter == "h":
                raise HelpWanted
            raise UsageError(f"unknown shorthand flag: '{letter}' in {word}")
        typed = f"-{letter}, --{option.name}"
        if cluster.startswith("="):
            options.set(option, typed, cluster[1:])
            return
        if isinstance(option, Flag) or option.optional is not None:
            options.set(option, typed, _value(option, word, False, "", rest))
            continue
        if cluster:
            options.set(option, typed, cluster)
            return
        if not rest:
            raise UsageError(f"flag needs an argument: '{letter}' in {word}")
        options.set(option, typed, rest.pop(0))


def _value(option: Flag | Option, word: str, equals: bool, text: str, rest: list[str]) -> str:
    if equals:
        return text
    if isinstance(option, Flag):
        return "true"
    if option.optional is not None:
        return option.optional
    if not rest:
        raise UsageError(f"flag needs an argument: {word}")
    return rest.pop(0)


def parse_verb(verb: Verb, words: Sequence[str], program: Program) -> Parsed:
    """Parse what follows a verb's name, and check how many arguments there are."""
    interspersed = verb.arguments.interspersed
    parsed, left = parse(verb.options, words, interspersed=interspersed)
    _count(verb.arguments, len(left), left, f"{program.name} {verb.name}")
    return parsed


def _count(arguments: Arguments, count: int, left: Sequence[str], path: str) -> None:
    """cobra's messages for a wrong number of arguments."""
    if arguments.maximum == 0 and count:
        raise UsageError(f'"{path}" takes no arguments, got {count}: {left[0]}')
    if arguments.minimum == arguments.maximum != count:
        raise UsageError(f"accepts {arguments.minimum} arg(s), received {count}")
    if count < arguments.minimum:
        raise UsageError(f"requires at least {arguments.minimum} arg(s), only received {count}")
    if arguments.maximum >= 0 and count > arguments.maximum:
        raise UsageError(f"accepts at most {arguments.maximum} arg(s), received {count}")
