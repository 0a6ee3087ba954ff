"""Go's text/template, the language of `--format`: lexer and parser.

A template is a tree of nodes: tuples of a kind and its parts (pkg.go.dev/text/template).

    ("text", "abc")  ("print", PIPE)  ("if", PIPE, BODY, ELSE)  ("with", PIPE, BODY, ELSE)
    ("range", (KEY, VALUE), PIPE, BODY, ELSE)  ("set", NAME, PIPE)
    PIPE: list of commands, each a list of operands:
    ("field", OPERAND or None, [NAMES])  ("variable", NAME)  ("literal", VALUE)
    ("call", NAME)  ("pipe", PIPE)  ("dot",)
"""

from __future__ import annotations

import ast
import re

from ..errors import InvalidArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Node = tuple[Any, ...]

_ACTION = re.compile(
    r"\{\{(- )?((?:\"(?:\\.|[^\"\\])*\"|`[^`]*`|[^}\"`]|\}(?!\}))*?)( -)?\}\}", re.DOTALL
)
_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:\\.|[^"\\])*"|`[^`]*`)|(?P<number>-?\d+(?:\.\d+)?)"""
    r"""|(?P<declare>:=|=)|(?P<field>(?:\.[A-Za-z_]\w*)+)|(?P<variable>\$\w*)|(?P<name>[A-Za-z_]\w*)"""
    r"""|(?P<punct>[().|,]))"""
)


def parse(text: str) -> list[Node]:
    """Parse a template. Raises InvalidArgument saying what is wrong."""
    return _Parser(text).parse()


class _Parser:
    def __init__(self, text: str) -> None:
        self._pieces = _pieces(text)
        self._at = 0

    def parse(self) -> list[Node]:
        body, end = self._body()
        if end:
            raise _wrong(f"unexpected {{{{{end[0]}}}}}")
        return body

    def _body(self) -> tuple[list[Node], list[str]]:
        """Nodes up to an `end` or `else`, and the words of that."""
        nodes: list[Node] = []
        while self._at < len(self._pieces):
            kind, content = self._pieces[self._at]
            self._at += 1
            if kind == "text":
                nodes.append(("text", content))
                continue
            word, _, rest = content.partition(" ")
            if word in ("end", "else"):
                return nodes, [word, rest.strip()]
            if word in ("if", "with", "range"):
                nodes.append(self._block(word, rest))
            elif content and not content.startswith("/*"):
                nodes.append(_statement(content))
        return nodes, []

    def _block(self, word: str, head: str) -> Node:
        names, pipe = _declaration(head)
        body, end = self._body()
        other: list[Node] = []
        if end and end[0] == "else":
            if end[1].startswith(("if ", "with ")):
                inner, _, rest = end[1].partition(" ")
                other = [self._block(inner, rest)]
                end = ["end", ""]
            else:
                other, end = self._body()
        if not end:
            raise _wrong("unexpected EOF")
        if word == "range":
            padded = ["", *names] if len(names) < 2 else names
            key, value = padded[-2:] if names else ("", "")
            return ("range", (key, value), pipe, body, other)
        if names:
            body = [("set", names[0], [[("dot",)]]), *body] if word == "with" else body
        return (word, pipe, body, other)


def _pieces(text: str) -> list[tuple[str, str]]:
    """("text", ..) and ("action", ..) in turn, with the trim markers applied."""
    found: list[tuple[str, str]] = []
    at, trim = 0, False
    for match in _ACTION.finditer(text):
        before = text[at : match.start()]
        if trim:
            before = before.lstrip()
        if match[1]:
            before = before.rstrip()
        if "{{" in before:
            raise _wrong("unclosed action")
        found += [("text", before)] * bool(before) + [("action", match[2].strip())]
        at, trim = match.end(), bool(match[3])
    rest = text[at:].lstrip() if trim else text[at:]
    if "{{" in rest:
        raise _wrong("unclosed action")
    return found + [("text", rest)] * bool(rest)


def _statement(content: str) -> Node:
    names, pipe = _declaration(content)
    return ("set", names[0], pipe) if names else ("print", pipe)


def _declaration(text: str) -> tuple[list[str], list[Node]]:
    """Names before `:=` or `=`, and the pipe."""
    tokens = _tokens(text)
    names: list[str] = []
    for number, (kind, _) in enumerate(tokens):
        if kind == "declare":
            names = [value for what, value in tokens[:number] if what == "variable"]
            tokens = tokens[number + 1 :]
            break
    return names, _pipe(tokens)


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    text = text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _wrong(f"unexpected {text[at:].strip()[:1]!r} in {text!r}")
        kind = str(match.lastgroup)
        tokens.append((kind, match[kind]))
        at = match.end()
    return tokens


def _pipe(tokens: list[tuple[str, str]]) -> list[Node]:
    commands: list[Node] = []
    operands: list[Node] = []
    rest = list(tokens)
    while rest:
        kind, value = rest.pop(0)
        if (kind, value) == ("punct", "|"):
            commands.append(tuple(operands))
            operands = []
        elif (kind, value) == ("punct", "("):
            inner = _group(rest)
            operand: Node = ("pipe", _pipe(inner))
            if rest and rest[0][0] == "field":
                operand = ("field", operand, rest.pop(0)[1][1:].split("."))
            operands.append(operand)
        else:
            operands.append(_operand(kind, value, rest))
    if not operands:
        raise _wrong("missing value for command")
    return [*commands, tuple(operands)]


def _group(rest: list[tuple[str, str]]) -> list[tuple[str, str]]:
    depth = 1
    inner: list[tuple[str, str]] = []
    while rest:
        token = rest.pop(0)
        depth += {"(": 1, ")": -1}.get(token[1], 0) if token[0] == "punct" else 0
        if not depth:
            return inner
        inner.append(token)
    raise _wrong("unclosed left paren")


def _operand(kind: str, value: str, rest: list[tuple[str, str]]) -> Node:
    if kind == "field":
        return ("field", None, value[1:].split("."))
    if kind == "variable":
        if rest and rest[0][0] == "field":
            return ("field", ("variable", value), rest.pop(0)[1][1:].split("."))
        return ("variable", value)
    if kind == "string":
        return ("literal", value[1:-1] if value[0] == "`" else ast.literal_eval(value))
    if kind == "number":
        return ("literal", float(value) if "." in value else int(value))
    if kind == "name":
        constants = {"true": True, "false": False, "nil": None}
        return ("literal", constants[value]) if value in constants else ("call", value)
    if value == ".":
        return ("dot",)
    raise _wrong(f"unexpected {value!r}")


def _wrong(what: str) -> InvalidArgument:
    return InvalidArgument(f"template: {what}")
