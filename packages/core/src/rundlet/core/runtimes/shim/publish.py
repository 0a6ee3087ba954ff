"""The publish program that shims are given (-publish-binary): what `containerd publish` is.

    PROGRAM --address ADDRESS publish --topic TOPIC --namespace NS  < event (an Any, protobuf)

Shims that speak ttrpc tell their events on TTRPC_ADDRESS; others (kata's runtime-rs) run this
program for each, which passes the event on to that address.
"""

from __future__ import annotations

import os
import sys
import time

from ...errors import RundletError
from ...linux.processes import partial_name
from . import protobuf
from .api import ANY, EVENT_METHODS, EVENTS
from .ttrpc import Client

_PYTHON = f"from {__name__} import main; main()"
_PATIENCE = 5.0


def install(path: str) -> None:
    """Make the program, whole or not at all: one shell script per runtime root."""
    if os.path.exists(path):
        return
    temporary = partial_name(path)
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\nexec {sys.executable} -P -c '{_PYTHON}' \"$@\"\n")
    os.chmod(temporary, 0o700)
    os.rename(temporary, path)


def main() -> None:
    """Pass on the event on stdin; exit code 1 with the reason when nobody takes it."""
    flags = _flags(sys.argv[1:])
    try:
        event = protobuf.decode(ANY, sys.stdin.buffer.read())
        seconds, nanos = divmod(time.time_ns(), 10**9)
        envelope = {
            "timestamp": {"seconds": seconds, "nanos": nanos},
            "namespace": flags.get("namespace", ""),
            "topic": flags.get("topic", ""),
            "event": event,
        }
        address = os.environ.get("TTRPC_ADDRESS", "")
        with Client(address, flags.get("namespace", ""), EVENTS, EVENT_METHODS) as client:
            client.call("Forward", timeout=_PATIENCE, envelope=envelope)
    except RundletError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(1) from error


def _flags(words: list[str]) -> dict[str, str]:
    """Both Go's ways: -name value and --name=value; words that are no flags are left out."""
    found = {}
    rest = iter(words)
    for word in rest:
        if word.startswith("-"):
            name, equals, value = word.lstrip("-").partition("=")
            found[name] = value if equals else next(rest, "")
    return found
