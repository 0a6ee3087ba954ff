"""Go's text/template, the language of `--format`: lexer and parser.

A template is a tree of nodes: tuples of a kind and its parts (pkg.go.dev/text/template).

    ("text", "abc")  ("print", PIPE)  ("if", PIPE, BODY, ELSE)  ("with", PIPE, BODY, ELSE)
    ("range", (KEY, VALUE), PIPE, BODY, ELSE)  ("break",)  ("continue",)
    ("declare", NAME, PIPE)  ("set", NAME, PIPE)  ("template", NAME, PIPE or None)
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
    r"""\s*(?:(?P<string>"(?:\\.|[^"\\])*"|`[^`]*`)|(?P<character>'(?:\\.|[^'\\])')"""
    r"""|(?P<number>[-+]?(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+"""
    r"""|\d[\d_]*(?:\.\d+)?(?:[eE][-+]?\d+)?))"""
    r"""|(?P<declare>:=|=)|(?P<field>(?:\.[A-Za-z_]\w*)+)|(?P<variable>\$\w*)|(?P<name>[A-Za-z_]\w*)"""
    r"""|(?P<punct>[().|,]))"""
)


def parse(text: str) -> tuple[list[Node], dict[str, list[Node]]]:
    """Parse a template: its nodes, and those that it defines by name.

    Raises InvalidArgument saying what is wrong.
    """
    parser = _Parser(text)
    return parser.parse(), parser.defined


class _Parser:
    def __init__(self, text: str) -> None:
        self._pieces = _pieces(text)
        self._at = 0
        self._loops = 0
        self.defined: dict[str, list[Node]] = {}

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
            elif word in ("define", "block"):
                nodes += self._define(word, rest)
            elif word in ("break", "continue") and not rest:
                if not self._loops:
                    raise _wrong(f"{{{{{word}}}}} outside {{{{range}}}}")
                nodes.append((word,))
            elif word == "template":
                nodes.append(_named(rest))
            elif not content.startswith("/*"):
                nodes.append(_statement(content))
        return nodes, []

    def _define(self, word: str, head: str) -> list[Node]:
        """A template by name; a block is used where it is defined, too."""
        used = _named(head)
        body, end = self._body()
        if not end or end[0] != "end":
            raise _wrong("unexpected EOF")
        self.defined[used[1]] = body
        return [used] if word == "block" else []

    def _block(self, word: str, head: str) -> Node:
        names, pipe, _ = _declaration(head, word)
        self._loops += word == "range"
        body, end = self._body()
        self._loops -= word == "range"
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
            pipe_node: Node = ("declare", names[0], [(("dot",),)])
            body = [pipe_node, *body] if word == "with" else body
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
    names, pipe, sign = _declaration(content, "command")
    if not names:
        return ("print", pipe)
    return ("declare" if sign == ":=" else "set", names[0], pipe)


def _declaration(text: str, what: str) -> tuple[list[str], list[Node], str]:
    """Names before `:=` or `=`, the pipe, and which of both it is."""
    tokens = _tokens(text)
    if not tokens:
        raise _wrong(f"missing value for {what}")
    names: list[str] = []
    for number, (kind, value) in enumerate(tokens):
        if kind == "declare":
            names = [name for token, name in tokens[:number] if token == "variable"]
            return names, _pipe(tokens[number + 1 :]), value
    return names, _pipe(tokens), ""


def _named(head: str) -> Node:
    """`"NAME" [PIPE]` of define, block and template."""
    tokens = _tokens(head)
    if not tokens or tokens[0][0] != "string":
        raise _wrong("missing name of a template")
    name = str(_operand(*tokens[0], [])[1])
    return ("template", name, _pipe(tokens[1:]) if tokens[1:] else None)


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


def _string(value: str) -> str:
    """A string in quotes. `--format` has its \\n and \\t made into what they mean before."""
    try:
        found = ast.literal_eval(value.replace("\n", "\\n"))
    except (SyntaxError, ValueError):
        raise _wrong(f"malformed string {value}") from None
    return str(found)


def _operand(kind: str, value: str, rest: list[tuple[str, str]]) -> Node:
    if kind == "field":
        return ("field", None, value[1:].split("."))
    if kind == "variable":
        if rest and rest[0][0] == "field":
            return ("field", ("variable", value), rest.pop(0)[1][1:].split("."))
        return ("variable", value)
    if kind == "string":
        return ("literal", value[1:-1] if value[0] == "`" else _string(value))
    if kind == "number":
        return ("literal", _number(value))
    if kind == "character":
        return ("literal", ord(ast.literal_eval(value)))
    if kind == "name":
        constants = {"true": True, "false": False, "nil": None}
        return ("literal", constants[value]) if value in constants else ("call", value)
    if value == ".":
        return ("dot",)
    raise _wrong(f"unexpected {value!r}")


def _number(text: str) -> int | float:
    try:
        return int(text, 0) if text.strip("+-") != "0" else 0
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise _wrong(f"bad number syntax: {text!r}") from None


def _wrong(what: str) -> InvalidArgument:
    return InvalidArgument(f"template: {what}")
