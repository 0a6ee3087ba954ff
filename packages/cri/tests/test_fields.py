"""Every field of the CRI is somewhere, or there is a reason: fields.txt against the descriptors."""

from __future__ import annotations

import re
from pathlib import Path

import rundlet.cri
from rundlet.cri.proto import api_pb2 as cri

SOURCE = Path(rundlet.cri.__file__).parent
TABLE = [
    tuple(part.strip() for part in line.split("|"))
    for line in Path(__file__).with_name("fields.txt").read_text().splitlines()
    if line and not line.startswith("#")
]
MESSAGES = {
    name: [field.name for field in message.fields]
    for name, message in cri.DESCRIPTOR.message_types_by_name.items()
}


def test_the_table_has_each_field_once() -> None:
    listed = [
        (message, field)
        for message, fields, _ in TABLE
        for field in (MESSAGES[message] if fields == "*" else fields.split())
    ]
    there = [(message, field) for message, fields in MESSAGES.items() for field in fields]
    assert sorted(listed) == sorted(there)


def test_a_field_is_named_where_the_table_says() -> None:
    missing = [
        f"{message}.{field}: not in {where}"
        for message, fields, where in TABLE
        if not where.startswith("- ")
        for field in fields.split()
        if not re.search(rf"\b{field}\b", (SOURCE / where).read_text())
    ]
    assert not missing
