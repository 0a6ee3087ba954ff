"""From a command line to a verb: global options, the verb's declaration, its function, errors.

Nothing is imported but the module of the verb that is run. `main` is all that the console
scripts of the programs call.
"""

from __future__ import annotations

import os
import sys

from ..errors import RundletError, UsageError
from ..plugins.index import index
from .context import Context, Parsed
from .declare import Group, Verb
from .parse import HelpWanted, parse, parse_verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..plugins.index import EntryPoint
    from .declare import Program


class Verbs:
    """The verbs and groups of a program, by their names with dots ("image.ls")."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._entries: dict[str, EntryPoint] = {}
        for entry in index().get(program.group, ()):
            there = self._entries.get(entry.name)
            if there is None or not _is_ours(there):
                self._entries[entry.name] = entry
            elif entry.distribution != there.distribution:
                sys.stderr.write(f"WARN[0000] {entry} is hidden by {there.distribution}'s own\n")

    def names(self, below: str = "") -> list[str]:
        """Names of the verbs right below a group, or at the top."""
        prefix = f"{below}." if below else ""
        return sorted(
            name.removeprefix(prefix)
            for name in self._entries
            if name.startswith(prefix) and "." not in name.removeprefix(prefix)
        )

    def get(self, name: str) -> Verb | Group | None:
        """Import a declaration. Raises PluginError when its distribution is broken."""
        from ..plugins.manager import broken, load

        entry = self._entries.get(name)
        if entry is None:
            return None
        declared = load(entry)
        if not isinstance(declared, (Verb, Group)):
            raise broken(entry, f"names {declared!r}, which is no Verb or Group")
        return declared

    def find(self, words: Sequence[str]) -> tuple[Verb | Group, list[str]]:
        """The verb that the words name, and the words after it. Raises UsageError."""
        name, rest = words[0], list(words[1:])
        declared = self.get(name)
        if declared is None:
            raise self._unknown(words[0])
        while isinstance(declared, Group) and rest and not rest[0].startswith("-"):
            inner = self.get(f"{name}.{rest[0]}")
            if inner is None:
                raise self._unknown(rest[0], name)
            name, declared, rest = f"{name}.{rest[0]}", inner, rest[1:]
        return declared, rest

    def _unknown(self, word: str, below: str = "") -> UsageError:
        path = " ".join([self.program.name, *below.split(".")]).strip()
        near = [name for name in self.names(below) if _close(word, name)]
        hint = "Did you mean this?\n\t" + "\n\t".join(near) + "\n\n" if near else ""
        return UsageError(
            f"unrecognized command `{path} {word}`",
            remedy=f"{hint}Try '{path} --help' for more information",
        )


def _is_ours(entry: EntryPoint) -> bool:
    """A name clash is won by the shipped packages, and said aloud."""
    return entry.distribution.startswith("rundlet-") and entry.value.startswith("rundlet.")


def _close(word: str, name: str) -> bool:
    """Whether a name looks like what was meant: same start, or one edit away."""
    if name.startswith(word):
        return True
    if abs(len(word) - len(name)) > 1:
        return False
    return sum(letter not in name for letter in word) + sum(x not in word for x in name) <= 1


def main(program: Program, words: Sequence[str]) -> int:
    """Run one command line; the exit code. Every error is a line on standard error."""
    debug = "--log-level=debug" in words or "--log-level=trace" in words
    try:
        code = _run(program, list(words))
        sys.stdout.flush()
        return code
    except RundletError as error:
        return _report(error)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader went away: that is its business. Python must not complain at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except Exception as error:
        return _unexpected(program, error, debug)


def _run(program: Program, words: list[str]) -> int:
    try:
        options, rest = parse(program.options, words, interspersed=False)
    except HelpWanted:
        return _help(program, [])
    if options.values.get("version"):
        from .. import __version__

        print(f"{program.name} version {__version__}")
        return 0
    if not rest:
        _help(program, [])
        return 0
    if rest[0] == "help":
        return _help(program, rest[1:])
    verbs = Verbs(program)
    if not verbs.get(rest[0]):
        _external(program, rest)
    declared, left = verbs.find(rest)
    named = rest[: len(rest) - len(left)]
    if isinstance(declared, Group):
        return _help(program, named)
    try:
        parsed = parse_verb(declared, left, program)
    except HelpWanted:
        return _help(program, named)
    except UsageError as error:
        path = " ".join((program.name, *named))
        raise UsageError(error.message, remedy=f"See '{path} --help'") from None
    return _call(declared, Context(program, options, verb=declared), parsed)


def _call(verb: Verb, context: Context, parsed: Parsed) -> int:
    from importlib import import_module

    module, _, name = verb.run.partition(":")
    try:
        code: int = getattr(import_module(module), name)(context, parsed)
        return code
    finally:
        context.close()


def _external(program: Program, words: Sequence[str]) -> None:
    """Become `PROGRAM-WORD` on PATH, if there is one (as git does); else return."""
    name = f"{program.name}-{words[0]}"
    if "/" in name or words[0].startswith("-"):
        return
    for directory in os.environ.get("PATH", "").split(":"):
        path = f"{directory}/{name}"
        if directory and os.access(path, os.X_OK) and os.path.isfile(path):
            os.execv(path, [path, *words[1:]])


def _help(program: Program, words: Sequence[str]) -> int:
    from .help import show

    return show(program, words)


def _report(error: RundletError) -> int:
    sys.stdout.flush()
    sys.stderr.write(f"Error: {error.message}\n")
    if error.remedy:
        sys.stderr.write(f"{error.remedy}\n")
    return error.exit_code


def _unexpected(program: Program, error: Exception, debug: bool) -> int:
    """An error that is ours: one line for the user, the traceback in a file for the report."""
    import tempfile
    import traceback

    sys.stdout.flush()
    text = "".join(traceback.format_exception(error))
    if debug:
        sys.stderr.write(text)
        return 125
    sys.stderr.write(f"Error: {error or type(error).__name__}\n")
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix=f"{program.name}-error-", suffix=".txt", delete=False
        ) as file:
            file.write(text)
        sys.stderr.write(f"This is a defect of {program.name}; details are in {file.name}\n")
    except OSError:
        sys.stderr.write("Run again with --log-level=debug to see where it happened\n")
    return 125
