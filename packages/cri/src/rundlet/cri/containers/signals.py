"""Stop signals: the CRI numbers them by their names, the kernel otherwise."""

from __future__ import annotations

from functools import lru_cache

from rundlet.core.containers.stop import stop_signal
from rundlet.core.format import signals
from rundlet.core.state.containers import Container

from ..proto import api_pb2 as cri


def name(wanted: int) -> str:
    """ "SIGRTMIN+1" of SIGNAL_SIGRTMINPLUS1; "" for the image's own."""
    if wanted == cri.SIGNAL_RUNTIME_DEFAULT:
        return ""
    text = cri.Signal.Name(wanted).removeprefix("SIGNAL_")
    return text.replace("PLUS", "+").replace("MINUS", "-")


def effective(row: Container, wanted: cri.Signal) -> cri.Signal:
    """What a container is stopped with: what was asked for, else its image's, else SIGTERM."""
    if wanted != cri.SIGNAL_RUNTIME_DEFAULT:
        return wanted
    return _of_the_kernel().get(stop_signal(row), cri.SIGNAL_RUNTIME_DEFAULT)


@lru_cache(maxsize=1)
def _of_the_kernel() -> dict[int, cri.Signal]:
    """The CRI's numbers by the kernel's; of two names for one signal the first."""
    found: dict[int, cri.Signal] = {}
    for wanted in cri.Signal.values():
        if wanted != cri.SIGNAL_RUNTIME_DEFAULT:
            found.setdefault(signals.number(name(wanted)), wanted)  # type: ignore[arg-type]  # stubs: int
    return found
