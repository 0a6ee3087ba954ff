"""Work of one kind in several threads; what fails first ends the rest.

Plain threads: importing concurrent.futures, with the logging that it brings, takes longer than
copying a small image.
"""

from __future__ import annotations

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    T = TypeVar("T")


_LONGEST = 0.5
"""Seconds of a wait: a signal that comes just before it is only heard when it ends."""


def together(
    jobs: Sequence[Callable[[], T]], at_once: int, stop: Callable[[], None] | None = None
) -> list[T]:
    """The results of all jobs, in their order; at most `at_once` run at a time.

    stop: called when one has failed, or this thread is interrupted, to end the others early.
    Raises what the first one raised, when none runs any more.
    """
    results: dict[int, T] = {}
    failures: list[BaseException] = []
    numbers = iter(range(len(jobs)))
    changed = threading.Condition(threading.Lock())
    running = 0

    def fail(error: BaseException) -> None:
        with changed:
            failures.append(error)
        if stop is not None:
            stop()

    def work() -> None:
        nonlocal running
        while True:
            with changed:
                number = None if failures else next(numbers, None)
                if number is None:
                    return
                running += 1
            try:
                results[number] = jobs[number]()
            except BaseException as error:
                fail(error)
            with changed:
                running -= 1
                changed.notify()

    def wait() -> None:
        # Not Thread.join: of one that a signal interrupts, Python 3.11 takes the thread for ended.
        with changed:
            while running or not (failures or len(results) == len(jobs)):
                changed.wait(_LONGEST)

    try:
        for number in range(min(at_once, len(jobs))):
            threading.Thread(target=work, name=f"together-{number}", daemon=True).start()
        wait()
    except BaseException as error:  # a signal, a deadline
        fail(error)
        wait()
        raise
    if failures:
        raise failures[0]
    return [results[number] for number in range(len(jobs))]
