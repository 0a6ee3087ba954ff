"""What a container costs on an OCI runtime: measured on real ones, which are removed again."""

from __future__ import annotations

import os
import time

from rundlet.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rundlet.core.containers.request import ContainerRequest
    from rundlet.core.engine import Engine

_BAR = 40  # cells
_EIGHTHS = " ▏▎▍▌▋▊▉"


class Sample(Value):
    """One container. start: seconds until its command ran; remove: until nothing of it was left.

    memory: bytes of its processes, its monitor's and its runtime's (PSS: shared pages are shared).
    """

    start: float
    remove: float
    memory: int


def sample(engine: Engine, request: ContainerRequest) -> Sample:
    """Start a container that waits, weigh it, remove it. Raises what `run` and `rm -f` raise."""
    begun = time.perf_counter()
    container = engine.containers.run(request, detach=True).container
    started = time.perf_counter()
    try:
        row = engine.containers.get(container)
        memory = sum(_weight(pid) for pid in _family(row.monitor_pid or row.pid))
    finally:
        ending = time.perf_counter()
        engine.containers.remove(container, force=True, timeout=0)
    return Sample(started - begun, time.perf_counter() - ending, memory)


def _family(pid: int) -> Iterator[int]:
    """A process and all that descend from it: conmon's and a shim's are the container's all."""
    yield pid
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return
    for thread in threads:
        try:
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                children = file.read().split()
        except OSError:
            continue
        for child in children:
            yield from _family(int(child))


def _weight(pid: int) -> int:
    """Proportional set size in bytes, proc_pid_smaps(5); 0 for a process that has ended."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            lines = [line.split() for line in file]
    except OSError:
        return 0
    return next((int(words[1]) * 1024 for words in lines if words[0] == "Pss:"), 0)


def bars(title: str, values: dict[str, tuple[float, str]]) -> str:
    """A bar chart for a terminal: a line for each name, with its value in words."""
    longest = max(len(name) for name in values)
    most = max(value for value, _ in values.values()) or 1.0
    lines = [title]
    for name, (value, words) in values.items():
        eighths = max(1, round(value / most * _BAR * 8))
        bar = "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
        lines.append(f"  {name:<{longest}}  {bar} {words}")
    return "\n".join(lines)
