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
    lock = threading.Lock()

    def fail(error: BaseException) -> None:
        with lock:
            failures.append(error)
        if stop is not None:
            stop()

    def work() -> None:
        while True:
            with lock:
                number = None if failures else next(numbers, None)
            if number is None:
                return
            try:
                results[number] = jobs[number]()
            except BaseException as error:
                fail(error)

    threads = [
        threading.Thread(target=work, name=f"together-{number}", daemon=True)
        for number in range(min(at_once, len(jobs)))
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except BaseException as error:  # an interrupt from the keyboard, a deadline
        fail(error)
        for thread in threads:
            thread.join()
        raise
    if failures:
        raise failures[0]
    return [results[number] for number in range(len(jobs))]
