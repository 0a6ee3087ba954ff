"""The quick start of the installed programs: `python -I -S launch.py MODULE ARGUMENT...`.

Python's `site` costs 3 to 8 ms, more than most verbs. In a plain virtual environment all it
does for us is to add one directory to sys.path, so the scripts in bin/ start Python
without it, and this does that. Where the environment is not plain (.pth files: editable
installs; system packages included), the whole of `site` runs as ever.
"""

import _signal  # the module signal makes enums of them, for 1.5 ms
import gc
import os
import sys

_SUFFIX = "/rundlet/core/commands/launch.py"
# Written by virtualenv and setuptools, of no use for programs that are installed already.
_HARMLESS = ("_virtualenv.pth", "distutils-precedence.pth")
# Of objects that may be garbage. `run` makes 18,000 in all: it ends before the collector has
# begun, which by Python's 700 would go through them 20 times (2 ms). What lives longer holds
# at most some megabytes more.
_COLLECT_AT = 20_000


def begin() -> None:
    """Until a command can undo what it has begun there is nothing to undo: ctrl-C just ends it.

    Python's own way would be a traceback out of whatever is being imported.
    """
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)


def prepare(packages: str) -> bool:
    """Make the distributions in the directory `packages` importable; whether that was plain."""
    plain = True
    for name in os.listdir(packages):
        if name.endswith(".pth") and name not in _HARMLESS:
            plain = False
    try:
        with open(packages.rpartition("/lib/")[0] + "/pyvenv.cfg", encoding="utf-8") as file:
            for line in file:
                key, _, value = line.partition("=")
                if key.strip() == "include-system-site-packages" and value.strip() != "false":
                    plain = False
    except OSError:
        plain = False
    if plain:
        sys.path.append(packages)
    else:
        import site

        site.main()
    return plain


def finish(code: int) -> None:
    """Exit at once: tearing the interpreter down costs 2 ms and frees what the kernel frees.

    Only while nothing has asked to be told of the exit (atexit), and no other thread runs.
    """
    threading = sys.modules.get("threading")
    if "atexit" in sys.modules or (threading is not None and threading.active_count() > 1):
        sys.exit(code)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        pass
    os._exit(code)


def main() -> None:
    """Run the program that argv names."""
    begin()
    gc.set_threshold(_COLLECT_AT)
    # The script says bin/../lib, from wherever it was called: one environment has one path.
    plain = prepare(os.path.realpath(sys.argv[0]).removesuffix(_SUFFIX))
    program = sys.argv.pop(1)
    finder = None
    if plain:
        from rundlet.core.commands import kept_modules

        finder = kept_modules.use(program)
    __import__(program)
    code = sys.modules[program].main()
    new = finder.new() if finder is not None else []
    if finder is not None and new:
        from rundlet.core.commands.keeping import keep

        keep(finder, new)
    finish(code)


if __name__ == "__main__":
    main()
