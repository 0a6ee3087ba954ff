"""What a verb's function is given: the words that were typed, and the engine."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, TextIO

    from ..engine import Engine
    from .declare import Program, Verb


class Parsed:
    """The options and arguments of one verb, with typed access by option name.

    `given` tells what was really typed (podman's `Changed`).
    """

    def __init__(
        self, values: dict[str, Any], arguments: Sequence[str], given: frozenset[str]
    ) -> None:
        self.values = values
        self.arguments = tuple(arguments)
        self.given = given

    def flag(self, name: str) -> bool:
        return bool(self.values[name])

    def text(self, name: str) -> str:
        """The value as text; "" when neither typed nor defaulted."""
        value = self.values[name]
        return "" if value is None else str(value)

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.values[name]
        assert isinstance(value, tuple), f"--{name} is not declared many"
        return value

    def number(self, name: str) -> int | None:
        value = self.values[name]
        return None if value is None else int(value)

    def seconds(self, name: str) -> float | None:
        value = self.values[name]
        return None if value is None else float(value)


class Context:
    """The program, its global options, standard streams, and the engine made on first use."""

    def __init__(
        self,
        program: Program,
        options: Parsed,
        *,
        verb: Verb | None = None,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.program = program
        self.options = options
        self.verb = verb
        self.stdout = stdout or sys.stdout
        self.stderr = stderr or sys.stderr
        self.environment = environment
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            from ..engine import Engine

            self._engine = Engine.from_options(self.options)
            for key in self._engine.settings.unknown_keys:
                self.warn(f"unknown key in {key}")
        return self._engine

    def close(self) -> None:
        """The command has done its work, and its process ends."""
        if self._engine is not None:
            self._engine.close(ending=True)

    def print(self, text: str = "", *, end: str = "\n") -> None:
        """Write to standard output."""
        self.stdout.write(text + end)

    def warn(self, text: str) -> None:
        """A warning line on standard error, as podman's log prints it."""
        self.stderr.write(f"WARN[0000] {text}\n")
