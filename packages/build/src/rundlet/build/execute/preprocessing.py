"""Containerfiles named `*.in`, which cpp(1) puts together (buildah-build(1))."""

from __future__ import annotations

import shutil

from rundlet.core.errors import InvalidArgument, NotFound
from rundlet.core.linux.processes import run


def preprocess(text: str, directory: str, flags: tuple[str, ...]) -> str:
    """What cpp makes of it. directory: where `#include` looks. Raises NotFound, InvalidArgument.

    flags: of --cpp-flag. Macros of the machine are not wanted, nor line markers. cpp minds
    comments (`# words`), which are not its own, and leaves them out: no failure.
    """
    program = shutil.which("cpp")
    if program is None:
        raise NotFound(
            "a Containerfile named *.in needs cpp, which is not here", remedy="apt install cpp"
        )
    words = [program, "-E", "-P", "-traditional", "-undef", "-iquote", directory, *flags, "-"]
    done = run(words, stdin=text.encode("utf-8", "surrogateescape"))
    problem = done.stderr.decode("utf-8", "replace").strip()
    if "fatal error" in problem or (done.code and not done.stdout):
        raise InvalidArgument(f"cpp: {problem}")
    return done.stdout.decode("utf-8", "surrogateescape")
