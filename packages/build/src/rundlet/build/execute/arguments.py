"""ARG: which arguments a stage sees, and their values (Dockerfile reference, ARG)."""

from __future__ import annotations

from rundlet.build.containerfile.expanding import expanded
from rundlet.build.containerfile.instructions import Arg
from rundlet.build.containerfile.platforms import PREDEFINED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class BuildArguments:
    """What was given with --build-arg, what the platform says, and the ARGs before FROM."""

    def __init__(
        self,
        given: Mapping[str, str],
        platform: Mapping[str, str],
        before: Iterable[Arg],
        escape: str,
    ) -> None:
        self._given = dict(given)
        self._platform = dict(platform)
        self._used: set[str] = set()
        self.globals: dict[str, str] = {**self._platform}
        for item in before:
            found = expanded(item, self.globals, escape)
            assert isinstance(found, Arg)
            for name, default in found.pairs:
                self._declare(name, default, self.globals)

    def declare(self, item: Arg, into: dict[str, str]) -> None:
        """An ARG of a stage, its words expanded already."""
        for name, default in item.pairs:
            self._declare(name, default, into)

    def _declare(self, name: str, default: str | None, into: dict[str, str]) -> None:
        self._used.add(name)
        if name in self._given:
            into[name] = self._given[name]
        elif default is not None:
            into[name] = default
        elif name in self.globals:
            into[name] = self.globals[name]

    @property
    def proxies(self) -> dict[str, str]:
        """The proxies that were given: every RUN has them, without an ARG."""
        return {name: text for name, text in self._given.items() if name in PREDEFINED}

    @property
    def unused(self) -> list[str]:
        """Given, but declared nowhere."""
        known = self._used | set(self._platform) | PREDEFINED | {"SOURCE_DATE_EPOCH"}
        return sorted(set(self._given) - known)
