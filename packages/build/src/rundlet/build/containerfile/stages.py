"""A whole Containerfile: the ARGs before the first FROM, and the stages."""

from __future__ import annotations

from rundlet.core.errors import InvalidArgument
from rundlet.core.value import Value

from .faults import at
from .instructions import Arg, From, Instruction
from .lexer import lex
from .parse import instruction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Stage(Value):
    """One FROM and what follows it. name: its AS name, else its number."""

    index: int
    start: From
    instructions: tuple[Instruction, ...]

    @property
    def name(self) -> str:
        return self.start.alias or str(self.index)


class Containerfile(Value):
    """args: those before the first FROM. escape: of the file that the first FROM is in."""

    args: tuple[Arg, ...]
    stages: tuple[Stage, ...]
    escape: str = "\\"

    def stage(self, name: str) -> Stage | None:
        """A stage by name or number; the last one of that name counts."""
        wanted = name.lower()
        for stage in reversed(self.stages):
            if wanted in (stage.start.alias, str(stage.index)):
                return stage
        return None

    def target(self, name: str) -> Stage:
        """The stage that is to be built: the last for "". Raises InvalidArgument."""
        if not name:
            return self.stages[-1]
        found = self.stage(name)
        if found is None:
            named = ", ".join(stage.name for stage in self.stages)
            raise InvalidArgument(
                f'the target "{name}" was not found in the provided Dockerfile',
                remedy=f"Its stages are {named}.",
            )
        return found


def parse(texts: Iterable[tuple[str, str]]) -> Containerfile:
    """Parse (name, text) of one or more files, which continue one another.

    Raises InvalidArgument that names file and line.
    """
    args: list[Arg] = []
    stages: list[Stage] = []
    escape = "\\"
    file = "Containerfile"
    for file, text in texts:
        lexed = lex(text, file)
        escape = escape if stages else lexed.escape
        for line in lexed.lines:
            found = instruction(line, file, lexed.escape)
            if isinstance(found, From):
                stages.append(Stage(len(stages), found, ()))
            elif stages:
                last = stages[-1]
                stages[-1] = last.replace(instructions=(*last.instructions, found))
            elif isinstance(found, Arg):
                args.append(found)
            else:
                raise at(
                    file,
                    found.line,
                    f"{found.name}: no build stage in current context",
                    remedy="Only ARG may stand before the first FROM.",
                )
    if not stages:
        raise InvalidArgument(f"{file}: no FROM: the file has no build stage")
    _refuse_twins(stages)
    return Containerfile(tuple(args), tuple(stages), escape)


def _refuse_twins(stages: list[Stage]) -> None:
    seen: dict[str, Stage] = {}
    for stage in stages:
        alias = stage.start.alias
        if alias and alias in seen:
            first = seen[alias].start
            raise at(
                stage.start.file,
                stage.start.line,
                f"the stage name {alias!r} is taken by line {first.line}",
            )
        seen[alias] = stage
