"""What surrounds every verb: `--command-timeout`, and skopeo's exit code for a missing image."""

from __future__ import annotations

import signal
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rundlet.core.commands.context import Context

_FAILED, _NOT_FOUND = 1, 2


class _DeadlinePassed(KeyboardInterrupt):
    """Raised wherever the main thread is; nothing on the way out takes it for a failed request,
    nor for a plugin's fault.
    """


@contextmanager
def running(context: Context) -> Iterator[None]:
    """Around a verb's work. Raises TimedOut after --command-timeout seconds.

    An image that is not there exits with 2, all else with 1 (skopeo(1), "Exit Status").
    """
    from rundlet.core.errors import NoSuchImage, RundletError, TimedOut

    seconds = context.options.seconds("command-timeout") or 0.0
    before = signal.signal(signal.SIGALRM, _passed)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.0))
    try:
        yield
    except _DeadlinePassed:
        raise TimedOut(f"the command took longer than --command-timeout {seconds:g}s") from None
    except RundletError as error:
        error.exit_code = _NOT_FOUND if isinstance(error, NoSuchImage) else _FAILED
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def _passed(_number: int, _frame: object) -> None:
    raise _DeadlinePassed
