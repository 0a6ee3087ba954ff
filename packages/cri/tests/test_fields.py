"""Every field of the CRI has its place and its test, or a reason: fields.txt is held to both."""

from __future__ import annotations

import ast
import inspect
import re
from functools import cache
from pathlib import Path

import rundlet.cri
from rundlet.cri.proto import api_pb2 as cri

from .conftest import Kubelet

SOURCE = Path(rundlet.cri.__file__).parent
TESTS = Path(__file__).parent
ROWS = [
    tuple(part.strip() for part in line.split("|"))
    for line in (TESTS / "fields.txt").read_text().splitlines()
    if line and not line.startswith("#")
]
HELD = [row for row in ROWS if not row[2].startswith("- ")]
SAID = inspect.getsource(Kubelet)  # tests speak by it
MESSAGES = {
    name: [field.name for field in message.fields]
    for name, message in cri.DESCRIPTOR.message_types_by_name.items()
}


def test_the_table_has_each_field_once() -> None:
    listed = [
        (message, field)
        for message, fields, *_ in ROWS
        for field in (MESSAGES[message] if fields == "*" else fields.split())
    ]
    there = [(message, field) for message, fields in MESSAGES.items() for field in fields]
    assert sorted(listed) == sorted(there)


def test_a_field_is_named_where_the_table_says() -> None:
    missing = [
        f"{message}.{field}: not in {place}"
        for message, fields, where, test in HELD
        for field in fields.split()
        for place, text in ((where, (SOURCE / where).read_text()), (test, SAID + text_of(test)))
        if not re.search(rf"\b{field}\b", text)
    ]
    assert not missing


@cache
def text_of(test: str) -> str:
    """The text of "FILE::TEST", or of a whole file. Raises KeyError where there is no such test."""
    file, _, name = test.partition("::")
    text = (TESTS / file).read_text()
    if not name:
        return text
    tests = {one.name: one for one in ast.parse(text).body if isinstance(one, ast.FunctionDef)}
    return ast.get_source_segment(text, tests[name]) or ""
