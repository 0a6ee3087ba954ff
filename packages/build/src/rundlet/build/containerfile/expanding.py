"""Variables of an instruction replaced, in the instructions where they are.

CMD, ENTRYPOINT, SHELL, HEALTHCHECK and the command of RUN are left to the shell; ONBUILD to
the build that it triggers.
"""

from __future__ import annotations

from .faults import at
from .instructions import Arg, Copy, From, Instruction, Pairs, Run, Text, Words
from .words import WordError, expand, expand_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .lexer import Heredoc

_TEXTS = ("USER", "WORKDIR", "STOPSIGNAL")


def expanded(
    instruction: Instruction, variables: Mapping[str, str], escape: str = "\\"
) -> Instruction:
    """The instruction with its words final. Raises InvalidArgument that names file and line."""
    try:
        return _Expansion(variables, escape).of(instruction)
    except WordError as error:
        problem = f"failed to process {instruction.text!r}: {error}"
        raise at(instruction.file, instruction.line, problem) from None


class _Expansion:
    def __init__(self, variables: Mapping[str, str], escape: str) -> None:
        self._variables = variables
        self._escape = escape

    def of(self, item: Instruction) -> Instruction:
        if isinstance(item, From):
            return item.replace(image=self._one(item.image), platform=self._one(item.platform))
        if isinstance(item, Pairs):
            return item.replace(pairs=tuple((self._one(k), self._one(v)) for k, v in item.pairs))
        if isinstance(item, Arg):
            pairs = tuple(
                (self._one(name), value if value is None else self._one(value))
                for name, value in item.pairs
            )
            return item.replace(pairs=pairs)
        if isinstance(item, Run):
            return item.replace(mounts=self._all(item.mounts))
        if isinstance(item, Copy):
            return self._copy(item)
        if isinstance(item, Words):
            split = item.name == "EXPOSE"  # a variable may hold several ports
            words = self._all(item.words)
            return item.replace(words=tuple(" ".join(words).split()) if split else words)
        if isinstance(item, Text) and item.name in _TEXTS:
            return item.replace(value=self._one(item.value))
        return item

    def _copy(self, item: Copy) -> Copy:
        announced = {heredoc.word for heredoc in item.heredocs}
        return item.replace(
            sources=tuple(s if s in announced else self._one(s) for s in item.sources),
            destination=self._one(item.destination),
            chown=self._one(item.chown),
            chmod=self._one(item.chmod),
            origin=self._one(item.origin),
            excludes=self._all(item.excludes),
            checksum=self._one(item.checksum),
            heredocs=tuple(self._heredoc(heredoc) for heredoc in item.heredocs),
        )

    def _heredoc(self, heredoc: Heredoc) -> Heredoc:
        if not heredoc.expand:
            return heredoc
        text = expand_text(heredoc.content, self._variables, self._escape)
        return heredoc.replace(content=text)

    def _one(self, word: str) -> str:
        return expand(word, self._variables, self._escape)

    def _all(self, words: Iterable[str]) -> tuple[str, ...]:
        return tuple(self._one(word) for word in words)
