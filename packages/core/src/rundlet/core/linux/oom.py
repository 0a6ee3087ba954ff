"""oom_score_adj of processes that run, proc(5): when memory is short the kernel ends those with
a larger one first.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_ROUNDS = 10


def adjust(processes: Callable[[], Iterable[int]], score: int) -> bool:
    """Give all processes this score; whether each could have it.

    processes: lists their ids; it is called until it names no new one, because a process that
    was forked in between has the score of before. Lowering a score needs CAP_SYS_RESOURCE.
    """
    seen: set[int] = set()
    could = True
    for _ in range(_ROUNDS):
        fresh = set(processes()) - seen
        if not fresh:
            break
        for process in fresh:
            could = _write(process, score) and could
        seen |= fresh
    return could


def _write(process: int, score: int) -> bool:
    try:
        with open(f"/proc/{process}/oom_score_adj", "w", encoding="utf-8") as file:
            file.write(str(score))
    except PermissionError:
        return False
    except (FileNotFoundError, ProcessLookupError):
        pass  # it has ended
    return True
