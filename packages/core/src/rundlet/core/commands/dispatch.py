"""From a command line to a verb: global options, the verb's declaration, its function, errors.

Nothing is imported but the module of the verb that is run. `main` is all that the console
scripts of the programs call.
"""

from __future__ import annotations

import os
import sys

from ..errors import RundletError, UsageError
from .context import Context
from .declare import Group
from .interrupts import Interrupts, end
from .parse import HelpWanted, Options, parse_verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..plugins.index import EntryPoint
    from .context import Parsed
    from .declare import Program, Verb


def main(program: Program, words: Sequence[str]) -> int:
    """Run one command line; the exit code. Every error is a line on standard error.

    RundletError: `Error: ...` and its own exit code (podman-run(1)); a wrong command line
    125. Interrupted by a signal: it ends by that. The reader of the output went away: 141,
    silently.
    """
    _settle()
    options = Options(program.options)
    try:
        with Interrupts():
            code = _run(program, options, list(words))
            sys.stdout.flush()
            return code
    except RundletError as error:
        return _report(error)
    except KeyboardInterrupt as error:
        return end(error)
    except BrokenPipeError:
        _discard_output()
        return 141
    except MemoryError:
        return _out_of_memory()
    except Exception as error:  # a defect of ours: told without a traceback
        try:
            from .unexpected import report
        except (MemoryError, ImportError):
            return _out_of_memory()
        code = report(program, error, options.parsed(), debug=_debugging(options, words))
        _discard_output()
        return code


def _out_of_memory() -> int:
    """Say so without a module, for which there may be no memory."""
    os.write(2, b"Error: out of memory\nClose some programs, and run it again.\n")
    _discard_output()
    return 125


def _settle() -> None:
    """Have the three standard streams, and the umask that files shared with containers need.

    A stream that the caller closed would else be the first file that is opened: output would
    go into the state's database. Podman's umask is 022 too, whatever the caller's is.
    """
    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        while (file := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(file)
        sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 (stay)
        sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 (stay)
        sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 (stay)
    os.umask(0o022)


def _run(program: Program, options: Options, words: list[str]) -> int:
    try:
        rest = options.parse(words, interspersed=False)
    except HelpWanted:
        return _help(program, [])
    except UsageError as error:
        raise UsageError(error.message, remedy=f"See '{program.name} --help'") from None
    if options.values.get("version"):
        from .. import __version__

        print(f"{program.name} version {__version__}")
        return 0
    if rest and rest[0] in ("help", "__complete", "__completeNoDesc"):
        return _answer(program, rest)
    _redirect(options)
    if not rest and program.default:
        rest = [program.default]
    if not rest:
        return _incomplete(program, [])
    return _verb(program, options, rest)


def _verb(program: Program, options: Options, words: list[str]) -> int:
    from .verbs import Verbs, external

    verbs = Verbs(program)
    named = words[:1]
    try:
        found = verbs.find(words, options, named)
        if found is None:
            # `rundlet build .` is no verb `.` of a rundlet-build that is installed elsewhere.
            path = "" if verbs.absent(words[0]) else external(program, words[0])
            if path:
                _become(path, words)
            raise verbs.unknown(words[0])
        named = found.named
        if isinstance(found.declared, Group):
            return _incomplete(program, named)
        typed = " ".join((program.name, *named))
        parsed = parse_verb(found.declared, found.rest, typed, options)
    except HelpWanted:
        return _help(program, named)
    if _debugging(options, words) and not program.logs:
        from .debugging import begin

        begin()
    context = Context(program, options.parsed(), verb=found.declared)
    if found.entry.shipped:
        return _call(found.declared, context, parsed)
    return _contained(found.entry, found.declared, context, parsed, _debugging(options, words))


def _contained(entry: EntryPoint, verb: Verb, context: Context, parsed: Parsed, debug: bool) -> int:
    """Call a verb of another distribution. Raises PluginError for whatever is wrong with it."""
    from ..plugins.faults import broken

    try:
        code: object = _call(verb, context, parsed)
    except (RundletError, OSError):
        raise
    except Exception as error:  # another distribution's
        if debug:
            from .unexpected import show

            show(error)
        raise broken(entry, f"failed: {error!r}") from error
    if code is not None and not isinstance(code, int):
        raise broken(entry, f"answered {code!r}, which is no exit code")
    return code or 0


def _call(verb: Verb, context: Context, parsed: Parsed) -> int:
    module, _, name = verb.run.partition(":")
    __import__(module)
    try:
        code: int = getattr(sys.modules[module], name)(context, parsed)
        return code
    finally:
        context.close()


def _become(path: str, words: list[str]) -> None:
    """Be the program that provides a verb. Raises RundletError when it cannot be run."""
    from ..errors import CommandNotExecutable

    sys.stdout.flush()
    try:
        os.execv(path, [path, *words[1:]])
    except OSError as error:
        raise CommandNotExecutable(f"cannot run {path}: {error.strerror}") from error


def _answer(program: Program, words: list[str]) -> int:
    """What the program itself answers: help, and what shells ask for completion."""
    if words[0] == "help":
        return _help(program, words[1:])
    from .complete import answer

    text = answer(program, words[1:])
    if words[0] == "__completeNoDesc":
        text = "".join(line.partition("\t")[0].rstrip("\n") + "\n" for line in text.splitlines())
    sys.stdout.write(text)
    return 0


def _redirect(options: Options) -> None:
    """`--out FILE`: standard output goes there; `--noout`: nowhere."""
    path = os.devnull if options.values.get("noout") else options.values.get("out")
    if not path:
        return
    try:
        file = os.open(str(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    except OSError as error:
        raise UsageError(
            f"unable to create file for standard output: {path}: {error.strerror}"
        ) from error
    os.dup2(file, 1)
    os.close(file)


def _help(program: Program, words: Sequence[str]) -> int:
    from .help import show

    return show(program, words)


def _incomplete(program: Program, named: list[str]) -> int:
    """A program or group without a verb: its help, and podman's error."""
    _help(program, named)
    path = " ".join((program.name, *named))
    raise UsageError(f"missing command '{path} COMMAND'")


def _report(error: RundletError) -> int:
    try:
        sys.stdout.flush()
    except OSError:
        _discard_output()
    sys.stderr.write(f"Error: {error.message}\n")
    if error.remedy:
        sys.stderr.write(f"{error.remedy}\n")
    return error.exit_code


def _debugging(options: Options, words: Sequence[str]) -> bool:
    level = options.values.get("log-level")
    asked = level in ("debug", "trace") or "--log-level=debug" in words
    return asked or bool(options.values.get("debug"))


def _discard_output() -> None:
    """What Python still holds for standard output cannot be written: let it not try at exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
