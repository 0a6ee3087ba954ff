"""Go's text/template: evaluating a parsed template over plain data.

Data are dicts, lists, strings, numbers, booleans, None; a callable in a dict is a method.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import InvalidArgument
from .functions import call
from .go import NO_VALUE, Map, Struct, shown, type_name
from .moments import Moment
from .template_parse import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .template_parse import Node

    Templates = Mapping[str, Sequence[Node]]

_DEPTH = 100


class Template:
    """A parsed template, to be rendered for one row after another."""

    def __init__(self, text: str) -> None:
        self._nodes, self._defined = parse(text)

    def render(self, data: Any) -> str:
        """The text for this data. Raises InvalidArgument for a field that is not there."""
        out: list[str] = []
        _Scope({"$": data}, None, self._defined).run(self._nodes, data, out)
        return "".join(out)


class _Leave(Exception):
    """`break` or `continue` on its way to the loop."""

    def __init__(self, word: str) -> None:
        self.word = word


class _Scope:
    """The variables of a block, and of those around it."""

    def __init__(self, variables: dict[str, Any], outer: _Scope | None, defined: Templates) -> None:
        self._variables = variables
        self._outer = outer
        self._defined = defined
        self._depth: int = outer._depth + 1 if outer else 0

    def _inner(self, variables: dict[str, Any] | None = None) -> _Scope:
        return _Scope(variables or {}, self, self._defined)

    def _holding(self, name: str) -> dict[str, Any]:
        scope: _Scope | None = self
        while scope is not None:
            if name in scope._variables:
                return scope._variables
            scope = scope._outer
        raise InvalidArgument(f'template: undefined variable "{name}"')

    def run(self, nodes: Sequence[Node], dot: Any, out: list[str]) -> None:
        for node in nodes:
            kind = node[0]
            if kind == "text":
                out.append(node[1])
            elif kind == "print":
                out.append(shown(self._pipe(node[1], dot)))
            elif kind == "declare":
                self._variables[node[1]] = self._pipe(node[2], dot)
            elif kind == "set":
                self._holding(node[1])[node[1]] = self._pipe(node[2], dot)
            elif kind == "range":
                self._range(node, dot, out)
            elif kind == "template":
                self._template(node, dot, out)
            elif kind in ("break", "continue"):
                raise _Leave(kind)
            else:
                value = self._pipe(node[1], dot)
                body = node[2] if value else node[3]
                inner = value if kind == "with" and value else dot
                self._inner().run(body, inner, out)

    def _template(self, node: Node, dot: Any, out: list[str]) -> None:
        if node[1] not in self._defined:
            raise InvalidArgument(f'template: template "{node[1]}" not defined')
        if self._depth > _DEPTH:
            raise InvalidArgument(f'template: template "{node[1]}" uses itself without an end')
        data = self._pipe(node[2], dot) if node[2] is not None else None
        self._inner({"$": data}).run(self._defined[node[1]], data, out)

    def _range(self, node: Node, dot: Any, out: list[str]) -> None:
        (key_name, value_name), value = node[1], self._pipe(node[2], dot)
        pairs = _pairs(value)
        if not pairs:
            self._inner().run(node[4], dot, out)
        for key, item in pairs:
            names = {key_name: key, value_name: item}
            try:
                self._inner({name: names[name] for name in names if name}).run(node[3], item, out)
            except _Leave as leave:
                if leave.word == "break":
                    return

    def _pipe(self, commands: Sequence[Node], dot: Any) -> Any:
        passed: list[Any] = []
        for operands in commands:
            passed = [self._command(operands, dot, passed)]
        return passed[0]

    def _command(self, operands: Node, dot: Any, passed: list[Any]) -> Any:
        first, *rest = operands
        if first[0] == "call" and first[1] in ("and", "or"):
            return self._deciding(first[1], rest, dot, passed)
        given = [*(self._operand(operand, dot) for operand in rest), *passed]
        if first[0] == "call":
            return call(first[1], given)
        return self._operand(first, dot, given)

    def _deciding(self, word: str, operands: Sequence[Node], dot: Any, passed: list[Any]) -> Any:
        """`and` and `or`: the first that decides, what follows is not evaluated; or the last."""
        value: Any = None
        for operand in (*operands, *(("literal", one) for one in passed)):
            value = self._operand(operand, dot)
            if bool(value) == (word == "or"):
                break
        return value

    def _operand(self, operand: Node, dot: Any, arguments: Sequence[Any] = ()) -> Any:
        """arguments: of the method that the last field is."""
        kind = operand[0]
        if arguments and kind != "field":
            raise InvalidArgument("template: can't give argument to non-function")
        if kind == "literal":
            return operand[1]
        if kind == "dot":
            return dot
        if kind == "variable":
            return self._holding(operand[1])[operand[1]]
        if kind == "pipe":
            return self._pipe(operand[1], dot)
        if kind == "call":
            return self._command((operand,), dot, [])
        value = dot if operand[1] is None else self._operand(operand[1], dot)
        *path, last = operand[2]
        for name in path:
            value = field(value, name)
        return field(value, last, arguments)


def _pairs(value: Any) -> list[tuple[Any, Any]]:
    """What `range` goes over: keys and items. Raises InvalidArgument."""
    if isinstance(value, Mapping):
        return [(key, value[key]) for key in sorted(value)]
    if isinstance(value, int) and not isinstance(value, bool):
        return [(number, number) for number in range(value)]
    if isinstance(value, (list, tuple)) or value is None:
        return list(enumerate(value or ()))
    raise InvalidArgument(f"template: range can't iterate over {shown(value)}")


def field(value: Any, name: str, arguments: Sequence[Any] = ()) -> Any:
    """A field of a struct, what a method of it gives for arguments, or an entry of a map.

    Raises InvalidArgument when it is not there, or is no method and arguments are given.
    """
    if isinstance(value, Mapping):
        if name not in value and isinstance(value, Struct) and name in value.unseen:
            return value.unseen[name]
        if name in value:
            found = value[name]
            if callable(found) and not isinstance(found, type):
                return found(*arguments)
            if arguments:
                raise InvalidArgument(f"template: {name} has arguments but is no method")
            return found
        if isinstance(value, Map):
            return NO_VALUE
        there = ", ".join(sorted(str(key) for key in value))
        raise InvalidArgument(
            f"template: can't evaluate field {name}", remedy=f"There are: {there}"
        )
    if isinstance(value, Moment):
        return value.method(name, arguments)
    raise InvalidArgument(f"template: can't evaluate field {name} in type {type_name(value)}")
