"""Go's text/template: evaluating a parsed template over plain data.

Data are dicts, lists, strings, numbers, booleans, None; a callable in a dict is a method.
Functions are Go's builtins and those that podman adds (containers/common pkg/report).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ..errors import InvalidArgument
from .template_parse import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .template_parse import Node


class Template:
    """A parsed template, to be rendered for one row after another."""

    def __init__(self, text: str) -> None:
        self._nodes = parse(text)

    def render(self, data: Any) -> str:
        """The text for this data. Raises InvalidArgument for a field that is not there."""
        out: list[str] = []
        _Scope({"$": data}).run(self._nodes, data, out)
        return "".join(out)


class _Scope:
    def __init__(self, variables: dict[str, Any]) -> None:
        self._variables = variables

    def run(self, nodes: Sequence[Node], dot: Any, out: list[str]) -> None:
        for node in nodes:
            kind = node[0]
            if kind == "text":
                out.append(node[1])
            elif kind == "print":
                out.append(shown(self._pipe(node[1], dot)))
            elif kind == "set":
                self._variables[node[1]] = self._pipe(node[2], dot)
            elif kind == "range":
                self._range(node, dot, out)
            else:
                value = self._pipe(node[1], dot)
                body = node[2] if truth(value) else node[3]
                inner = value if kind == "with" and truth(value) else dot
                _Scope(dict(self._variables)).run(body, inner, out)

    def _range(self, node: Node, dot: Any, out: list[str]) -> None:
        (key_name, value_name), value = node[1], self._pipe(node[2], dot)
        if isinstance(value, Mapping):
            pairs = [(key, value[key]) for key in sorted(value)]
        elif isinstance(value, int) and not isinstance(value, bool):
            pairs = [(number, number) for number in range(value)]
        else:
            pairs = list(enumerate(value or ()))
        if not pairs:
            self.run(node[4], dot, out)
        for key, item in pairs:
            scope = _Scope(dict(self._variables))
            if key_name:
                scope._variables[key_name] = key
            if value_name:
                scope._variables[value_name] = item
            scope.run(node[3], item, out)

    def _pipe(self, commands: Sequence[Node], dot: Any) -> Any:
        passed: list[Any] = []
        for operands in commands:
            passed = [self._command(operands, dot, passed)]
        return passed[0]

    def _command(self, operands: Node, dot: Any, passed: list[Any]) -> Any:
        first, *rest = operands
        if first[0] == "call":
            function = FUNCTIONS.get(first[1])
            if function is None:
                raise InvalidArgument(f'template: function "{first[1]}" not defined')
            arguments = [self._operand(operand, dot) for operand in rest] + passed
            try:
                return function(*arguments)
            except InvalidArgument:
                raise
            except (TypeError, ValueError, LookupError, AttributeError) as error:
                raise InvalidArgument(f"template: error calling {first[1]}: {error}") from None
        given = [*(self._operand(operand, dot) for operand in rest), *passed]
        return self._operand(first, dot, given)

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
            if operand[1] not in self._variables:
                raise InvalidArgument(f"template: undefined variable {operand[1]!r}")
            return self._variables[operand[1]]
        if kind == "pipe":
            return self._pipe(operand[1], dot)
        if kind == "call":
            return self._command((operand,), dot, [])
        value = dot if operand[1] is None else self._operand(operand[1], dot)
        *path, last = operand[2]
        for name in path:
            value = field(value, name)
        return field(value, last, arguments)


def field(value: Any, name: str, arguments: Sequence[Any] = ()) -> Any:
    """A field of a struct, what a method of it gives for arguments, or an entry of a map.

    Raises InvalidArgument when it is not there, or is no method and arguments are given.
    """
    if isinstance(value, Mapping):
        if name in value:
            found = value[name]
            if callable(found) and not isinstance(found, type):
                return found(*arguments)
            if arguments:
                raise InvalidArgument(f"template: {name} has arguments but is no method")
            return found
        if type(value) is not dict:  # a map of a user's own keys: a missing one is empty
            return ""
    raise InvalidArgument(f"template: can't evaluate field {name} in type {type(value).__name__}")


def truth(value: Any) -> bool:
    """Go's truth: everything but the zero value."""
    return bool(value)


def shown(value: Any) -> str:
    """How Go's fmt prints a value with %v."""
    if value is None:
        return "<no value>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "map[" + " ".join(f"{key}:{shown(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, (list, tuple)):
        return "[" + " ".join(shown(item) for item in value) + "]"
    return str(value)


def as_json(value: Any) -> str:
    """One line of JSON, as Go's encoding/json writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)


def _printf(form: str, *values: Any) -> str:
    """Go's verbs, as far as Python shares them: %s %d %v %q %f %x %t %5s %-10s."""
    out, rest, at = "", list(values), 0
    while at < len(form):
        if form[at] != "%":
            out, at = out + form[at], at + 1
            continue
        end = at + 1
        while end < len(form) and form[end] in "-+ #0123456789.":
            end += 1
        flags, verb = form[at + 1 : end], form[end : end + 1]
        at = end + 1
        if verb == "%":
            out += "%"
            continue
        value = rest.pop(0) if rest else "%!" + verb + "(MISSING)"
        if verb in ("s", "v", "t"):
            out += f"%{flags}s" % shown(value)
        elif verb == "q":
            out += f"%{flags}s" % json.dumps(shown(value), ensure_ascii=False)
        else:
            out += f"%{flags}{verb}" % value
    return out


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        value = value.get(key, "") if isinstance(value, Mapping) else value[key]
    return value


def _slice(value: Any, start: int = 0, end: int | None = None) -> Any:
    return value[start:end]


def _and(*values: Any) -> Any:
    return next((value for value in values if not truth(value)), values[-1])


def _or(*values: Any) -> Any:
    return next((value for value in values if truth(value)), values[-1])


def _join(values: Any, separator: str) -> str:
    if isinstance(values, str):  # Go's strings.Join has the list first, some tools last
        values, separator = separator, values
    return separator.join(shown(item) for item in values)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "json": as_json,
    "len": len,
    "index": _index,
    "slice": _slice,
    "printf": _printf,
    "print": lambda *values: "".join(shown(value) for value in values),
    "println": lambda *values: " ".join(shown(value) for value in values) + "\n",
    "join": _join,
    "split": lambda text, separator: text.split(separator),
    "lower": lambda text: str(text).lower(),
    "upper": lambda text: str(text).upper(),
    "title": lambda text: str(text).title(),
    "pad": lambda text, before, after: " " * before + text + " " * after if text else "",
    "truncate": lambda text, length: text[:length],
    "eq": lambda first, *others: any(first == other for other in others),
    "ne": lambda first, second: first != second,
    "lt": lambda first, second: first < second,
    "le": lambda first, second: first <= second,
    "gt": lambda first, second: first > second,
    "ge": lambda first, second: first >= second,
    "and": _and,
    "or": _or,
    "not": lambda value: not truth(value),
    "html": lambda text: text,
    "urlquery": lambda text: __import__("urllib.parse").parse.quote_plus(text),
}
