"""`--log-level=debug`: what a command has others do, as lines of a log on standard error.

By Python's audit events (sys.audit), which cost nothing where nobody listens.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def begin() -> None:
    """Tell from now on, until the process ends."""
    sys.addaudithook(_hear)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("rundlet.spawn", "os.posix_spawn", "os.exec", "subprocess.Popen"):
        words = arguments[0] if event == "rundlet.spawn" else arguments[1]
        tell("running " + " ".join(_quoted(os.fsdecode(word)) for word in words))
    elif event == "socket.connect":
        tell(f"connecting to {_place(arguments[1])}")
    elif event == "sqlite3.connect":
        tell(f"opening {os.fsdecode(arguments[0])}")


def tell(text: str) -> None:
    """One line, in the form of podman's log."""
    now = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    try:
        os.write(2, f'time="{now}" level=debug msg="{_escaped(text)}"\n'.encode(errors="replace"))
    except OSError:
        return  # nobody reads it


def _place(address: Any) -> str:
    if isinstance(address, tuple):
        return f"{address[0]}:{address[1]}"
    return os.fsdecode(address).replace("\0", "@") if isinstance(address, (str, bytes)) else "?"


def _quoted(word: str) -> str:
    return repr(word) if not word or set(word) & set(" \t\n'\"$`\\|&;<>()*?") else word


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
