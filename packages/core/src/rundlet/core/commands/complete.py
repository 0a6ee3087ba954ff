"""Shell completion: what may stand where the cursor is, from the same declarations.

The scripts that `completion bash|zsh|fish` prints call `PROGRAM __complete WORD...`, the last
word being the one under the cursor. A line of the answer is a candidate, a tab and its help;
the one line `:files` means the names of files.
"""

from __future__ import annotations

from ..errors import RundletError
from . import templates
from .context import Context
from .declare import Flag, Group
from .names import FILES, NAMES, OF_THE_STATE
from .parse import HelpWanted, Options
from .verbs import Verbs, programs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .declare import Option, Program

    Candidate = tuple[str, str]

_SHELLS = ("bash", "zsh", "fish")


def answer(program: Program, words: Sequence[str]) -> str:
    """The lines for the words typed so far. Never fails: no answer completes nothing."""
    try:
        found = _candidates(program, list(words[:-1]), words[-1] if words else "")
        lines = [f"{text}\t{help}" if help else text for text, help in found]
    except (RundletError, OSError):
        return ""
    return "".join(f"{line}\n" for line in lines)


def _candidates(program: Program, before: list[str], word: str) -> Iterable[Candidate]:
    level = _Level(Options(program.options), before, interspersed=False)
    if level.waits_for is not None or not level.arguments:
        return level.here(program, "", word) or _fitting(_top(program), word)
    verbs = Verbs(program)
    try:
        typed = [*level.arguments, *level.rest]
        found = verbs.find(typed, level.options, typed[:1])
    except HelpWanted:
        return ()
    if found is None:
        return [(FILES, "")]
    declared = found.declared
    if isinstance(declared, Group):
        return _fitting(_names(verbs, found.named), word)
    options = Options(declared.options, level.options)
    level = _Level(options, found.rest, interspersed=declared.arguments.interspersed)
    here = level.here(program, declared.name, word)
    if here is not None:
        return here
    if level.rest or (level.arguments and not declared.arguments.interspersed):
        return [(FILES, "")]  # the command inside the container: as good as anything
    if 0 <= declared.arguments.maximum <= len(level.arguments):
        return ()
    kinds = declared.arguments.completes.split() or [""]
    kind = kinds[min(len(level.arguments), len(kinds) - 1)]
    return _named(program, options, kind, word)


class _Level:
    """The words of one level, as far as they are typed.

    waits_for: the option whose value comes next. rest: all after the first argument, where
    options end there.
    """

    def __init__(self, options: Options, words: list[str], *, interspersed: bool) -> None:
        self.options = options
        self.arguments: list[str] = []
        self.rest: list[str] = []
        self.ended = False
        self.waits_for: Option | None = None
        for number, word in enumerate(words):
            if self.waits_for is not None:
                self._take(self.waits_for, word)
                self.waits_for = None
            elif word == "--":
                self.ended, self.rest = True, words[number + 1 :]
                return
            elif word.startswith("-") and word != "-":
                self.waits_for = self._option(word)
            else:
                self.arguments.append(word)
                if not interspersed:
                    self.ended, self.rest = True, words[number + 1 :]
                    return

    def _take(self, option: Option, text: str) -> None:
        """--root and the like count: names are completed from the store they name."""
        try:
            self.options.parse([f"--{option.name}={text}"])
        except RundletError:
            pass

    def _option(self, word: str) -> Option | None:
        if "=" in word:
            try:
                self.options.parse([word])
            except (RundletError, HelpWanted):
                pass
            return None
        if word.startswith("--"):
            option = self.options.declared(word[2:])
            return None if option is None or isinstance(option, Flag) or option.optional else option
        for number, letter in enumerate(word[1:], 2):
            option = self.options.declared(letter, short=True)
            if option is None:
                return None
            if not isinstance(option, Flag) and option.optional is None:
                return option if number == len(word) else None
        return None

    def here(self, program: Program, verb: str, word: str) -> Iterable[Candidate] | None:
        """Values or names of options, if that is what the cursor is at."""
        if self.waits_for is not None:
            return _values(program, verb, self.options, self.waits_for, word)
        if self.ended or not word.startswith("-"):
            return None
        start, option = self._begun(word)
        if not start:
            return _fitting(self.options.listed(), word)
        if option is None:
            return ()
        if isinstance(option, Flag):
            return _fitting([(f"{start}{value}", "") for value in ("true", "false")], word)
        found = _values(program, verb, self.options, option, word[len(start) :])
        return [(one if one == FILES else f"{start}{one}", help) for one, help in found]

    def _begun(self, word: str) -> tuple[str, Flag | Option | None]:
        """Where in a word its value begins, and whose: `--name=`, `-f=`, `-f`, `-af`; or ""."""
        if word.startswith("--"):
            name, equals, _ = word.partition("=")
            return (name + equals, self.options.declared(name[2:])) if equals else ("", None)
        for end in range(2, len(word)):
            option = self.options.declared(word[end - 1], short=True)
            if option is None or word[end] == "=":
                return word[: end + 1], option
            if not isinstance(option, Flag) and option.optional is None:
                return word[:end], option
        return "", None


def _values(
    program: Program, verb: str, options: Options, option: Option, word: str
) -> Iterable[Candidate]:
    if option.choices:
        return _fitting([(choice, "") for choice in option.choices], word)
    offered = suggestions(program).get(f"{verb} --{option.name}")
    if offered is None:
        offered = suggestions(program).get(f"--{option.name}")
    if offered is None:
        unknown = "none" if option.kind != "str" else ""
        return _named(program, options, option.completes or unknown, word)
    if option.kind == "template":
        return templates.candidates(offered, word)
    found: list[Candidate] = []
    for text in offered:
        found += _suggested(program, options, text, word)
    return list(dict.fromkeys(found))


def suggestions(program: Program) -> Mapping[str, Sequence[str]]:
    """Values worth offering, by "VERB --OPTION" or "--OPTION"; others are as legal.

    A text may end in the names of something: "container:<containers>". "KEY=VALUE" is offered
    as "KEY=" until the key has been typed.
    """
    if not program.suggested:
        return {}
    from importlib import import_module

    module, _, name = program.suggested.partition(":")
    found: Mapping[str, Sequence[str]] = getattr(import_module(module), name)
    return found


def _suggested(program: Program, options: Options, text: str, word: str) -> Iterable[Candidate]:
    text, _, kind = text.partition("<")
    key, equals, _ = text.partition("=")
    if equals and not word.startswith(key + equals):
        return _fitting([(key + equals, "")], word)
    if not kind:
        return _fitting([(text, "")], word)
    if not word.startswith(text):
        return _fitting([(text, "")], word)
    names = _named(program, options, kind.rstrip(">"), word[len(text) :])
    return [(one if one == FILES else text + one, help) for one, help in names]


def _fitting(candidates: Iterable[Candidate], word: str) -> list[Candidate]:
    return [candidate for candidate in candidates if candidate[0].startswith(word)]


def _top(program: Program) -> list[Candidate]:
    verbs = Verbs(program)
    found = [*_names(verbs, []), ("help", "Show the help of a command")]
    found += [(name, path) for name, path in programs(program).items()]
    return sorted({name: (name, help) for name, help in reversed(found)}.values())


def _names(verbs: Verbs, below: Sequence[str]) -> list[Candidate]:
    found = []
    for name in verbs.names(".".join(below)):
        try:
            declared = verbs.get(".".join((*below, name)))
        except RundletError:
            continue
        if declared is not None and not declared.hidden:
            found.append((name, declared.summary))
    return found


def _named(program: Program, options: Options, what: str, word: str) -> Iterable[Candidate]:
    """Names of things in the store that the global options name."""
    if what in ("", "files"):
        return [(FILES, "")]
    if what == "shells":
        return _fitting([(shell, "") for shell in _SHELLS], word)
    query = NAMES.get(what)
    if query is None:
        return ()
    context = Context(program, options.outermost().parsed())
    try:
        if what in OF_THE_STATE and not _has_state(context):
            return [(FILES, "")] if what in ("paths", "sources") else ()
        found = query(context, word)
        return [one for one in found if one[0].startswith(word) or one[0] == FILES]
    finally:
        context.close()


def _has_state(context: Context) -> bool:
    """Whether there is a state to ask: a TAB must not make a graph root of a path half typed."""
    from os.path import exists

    from ..state.database import FILE_NAME

    return exists(f"{context.engine.settings.graph_root}/{FILE_NAME}")
