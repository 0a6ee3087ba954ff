"""`--retry-times` and `--retry-delay`: all of a command's work again, when a registry failed.

The engine makes a single request again by itself; this is for what goes on for longer.
"""

from __future__ import annotations

from rundlet.core.commands.declare import Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from rundlet.core.commands.context import Context, Parsed

    Result = TypeVar("Result")

OPTIONS = (
    Option("retry-delay", help="Fixed delay between retries; else it doubles with each",
           kind="duration", metavar="duration"),
    Option("retry-times", help="The number of times to possibly retry", kind="uint"),
)  # fmt: skip
_LONGEST_WAIT = 60.0


def retried(context: Context, arguments: Parsed, work: Callable[[], Result]) -> Result:
    """Do the work; again after a failure that may pass. Raises what the last try raised."""
    import time

    from rundlet.core.errors import NotFound, RegistryError, TimedOut, Unauthorized

    times = arguments.number("retry-times") or 0
    fixed = arguments.seconds("retry-delay") or 0.0
    for failed in range(times + 1):
        try:
            return work()
        except (NotFound, Unauthorized):
            raise  # asking again changes nothing
        except (RegistryError, TimedOut) as error:
            if failed == times:
                raise
            seconds = fixed or min(2.0**failed, _LONGEST_WAIT)
            context.warn(f"Failed, retrying in {seconds:g}s ... ({failed + 1}/{times}). {error}")
            time.sleep(seconds)
    raise AssertionError("unreachable")
