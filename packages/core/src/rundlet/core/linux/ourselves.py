"""Starting a module of ours as a program."""

from __future__ import annotations

import os
import sys

_LAUNCH = os.path.join(os.path.dirname(os.path.dirname(__file__)), "commands", "launch.py")


def program(module: str) -> tuple[str, ...]:
    """The beginning of the argv that runs a module's `main() -> int`; its arguments come next.

    Python's `site` is left out where it was left out for us: the same environment is plain then.
    """
    if sys.flags.isolated and sys.flags.no_site:
        return (sys.executable, "-I", "-S", _LAUNCH, module)
    return (sys.executable, "-P", "-c", f"import sys; from {module} import main; sys.exit(main())")
