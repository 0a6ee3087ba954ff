"""Drivers of other people's distributions: what they raise, answer or never answer is contained.

Each method of the contract is wrapped, on the driver itself. An error that is not of
`rundlet.core.errors` becomes one that names the plugin; so does an answer that is not what the
contract's annotation says, and a question about the driver itself (`probe`, `version`, ...)
that gets none in time. Work takes the time that it takes, unless the plugin's table in
rundlet.toml has a `timeout`. What a driver gives out (a monitor, a source) is wrapped too.
"""

from __future__ import annotations

import errno
import os

from ..errors import RundletError
from .faults import PATIENCE, broken
from .limits import bounded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from .index import EntryPoint

_QUICK = frozenset(
    ("probe", "features", "version", "status", "networks", "parse", "exists", "describe", "command")
)
_OURS = (errno.ENOSPC, errno.EDQUOT, errno.EPIPE)
"""Errors of streams that we gave it: a full disk, a reader that went away."""
_PLAIN = {"str": str, "bytes": bytes, "bool": bool, "int": int, "dict": dict, "None": type(None)}
_MANY = ("Sequence", "Iterator", "Iterable", "tuple", "list")


def guard(entry: EntryPoint, driver: object, contract: type, timeout: float | None = None) -> None:
    """Wrap the methods of a contract. timeout: seconds for any call; None: for quick ones only."""
    for name, method in _methods(contract):
        limit = timeout or (PATIENCE if name in _QUICK else None)
        call = _Call(entry, name, method.__annotations__.get("return", ""), timeout, limit)
        try:
            setattr(driver, name, call.around(getattr(driver, name)))
        except AttributeError:
            continue  # it has no room for attributes (__slots__)


def _methods(contract: type) -> Iterator[tuple[str, Callable[..., object]]]:
    seen = set()
    for base in contract.__mro__:
        if not base.__module__.startswith("rundlet.core.contracts."):
            continue
        for name, found in vars(base).items():
            if not name.startswith("_") and hasattr(found, "__code__") and name not in seen:
                seen.add(name)
                yield name, found


class _Call:
    """One method. wanted: the annotation of its answer. limit: seconds, or None."""

    def __init__(
        self,
        entry: EntryPoint,
        name: str,
        wanted: str,
        timeout: float | None,
        limit: float | None,
    ) -> None:
        self.entry = entry
        self.name = name
        self.wanted = [part.strip().partition("[")[0] for part in wanted.split("|")]
        self.timeout = timeout
        self.limit = limit

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*arguments: Any, **named: Any) -> Any:
            def work() -> Any:
                return function(*arguments, **named)

            return self.checked(self.attempt(work, self.limit))

        return guarded

    def attempt(self, work: Callable[[], Any], limit: float | None) -> Any:
        """What it answers. Raises PluginError for what a driver must not raise, or for silence."""
        try:
            return work() if limit is None else bounded(work, limit)
        except TimeoutError as error:
            raise broken(self.entry, f"{self.name}: {error}") from error
        except (RundletError, KeyboardInterrupt, MemoryError, GeneratorExit):
            raise
        except BaseException as error:  # also SystemExit: a plugin must not end its user
            if isinstance(error, OSError) and error.errno in _OURS:
                raise
            raise broken(self.entry, f"{self.name} failed: {error!r}") from error

    def checked(self, answer: Any) -> Any:
        """The answer, if it is what the contract says. Raises PluginError."""
        if self.wanted in ([""], ["None"], ["Any"]):
            return answer
        if not any(_is(answer, wanted) for wanted in self.wanted):
            raise broken(
                self.entry,
                f"{self.name} answered {_short(answer)}: it must be {' or '.join(self.wanted)}",
            )
        complaint = _nonsense(self.name, answer)
        if complaint:
            raise broken(self.entry, f"{self.name} answered {_short(answer)}: {complaint}")
        if self.wanted == ["Iterator"]:
            return self.each(iter(answer))
        for base in type(answer).__mro__:
            if getattr(base, "__abstractmethods__", ()) and base.__name__ in self.wanted:
                guard(self.entry, answer, base, self.timeout)
        return answer

    def each(self, answers: Iterator[Any]) -> Iterator[Any]:
        """What an iterator gives, one after another: its errors come while it is read."""
        end = object()
        while (found := self.attempt(lambda: next(answers, end), self.timeout)) is not end:
            yield found


def _is(answer: object, wanted: str) -> bool:
    if wanted in _PLAIN:
        return isinstance(answer, _PLAIN[wanted])
    if wanted in _MANY:
        return hasattr(answer, "__iter__") and not isinstance(answer, (str, bytes, dict))
    if wanted == "ReadableFile":
        return hasattr(answer, "read")
    return any(base.__name__ == wanted for base in type(answer).__mro__)


def _nonsense(name: str, answer: Any) -> str:
    """What is wrong with an answer of the right type, where others would stumble over it."""
    if name == "mount" and not os.path.isdir(answer):
        return "there is no such directory"
    if _is(answer, "AttachResult"):
        from json import dumps

        for kind, found in (("InterfaceResult", answer.interfaces), ("PortMapping", answer.ports)):
            if not (_is(found, "tuple") and all(_is(one, kind) for one in found)):
                return f"{_short(found)} must be of {kind}"
        try:
            dumps(answer.raw, default=dict)
        except (TypeError, ValueError) as error:
            return f"raw is no JSON: {error}"
    return ""


def _short(answer: object) -> str:
    text = repr(answer)
    return text if len(text) < 80 else f"{text[:77]}..."
