"""Go's time.Time in templates, and structs whose JSON has other names."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from rundlet.core.errors import InvalidArgument
from rundlet.core.format.go import Map, Struct
from rundlet.core.format.moments import Moment, moment
from rundlet.core.format.template import Template
from rundlet.core.format.times import NEVER


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "CET-1")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


GIVES = {
    "{{.At}}": "2026-11-26 10:15:52.0409 +0100 CET",
    "{{json .At}}": '"2026-11-26T09:15:52.0409Z"',
    "{{.At.Unix}} {{.At.UnixMilli}}": "1795684552 1795684552040",
    '{{.At.Format "2006-01-02T15:04:05Z07:00"}}': "2026-11-26T10:15:52+01:00",
    '{{.At.Format "Mon Jan _2 3:04:05.000 PM MST 06"}}': "Thu Nov 26 10:15:52.040 AM CET 26",
    '{{.At.Format "Monday, 2 January -0700 15h .999999"}}': (
        "Thursday, 26 November +0100 10h .0409"
    ),
    "{{.At.Year}} {{.At.Month}} {{.At.Day}} {{.At.Weekday}}": "2026 November 26 Thursday",
    "{{.Never}} {{.Never.IsZero}} {{.Never.Year}}": "0001-01-01 00:00:00 +0000 UTC true 1",
    "{{.Never.Unix}} {{if .Never}}yes{{end}}": "-62135596800 yes",
    '{{.Made.ID}} {{.Made.Id}} {{printf "%T" .At}}': "x x time.Time",
    "{{.Made.Gone}} {{json .Made}}": '<nil> {"Id":"x"}',
    "{{.Labels.b}} {{.Labels.zz}} {{json .Labels}}": '2 <no value> {"a":"1","b":"2"}',
}
DATA = {
    "At": Moment(1795684552040900000),
    "Never": moment(NEVER),
    "Made": Struct({"Id": "x"}, {"ID": "x", "Gone": None}),
    "Labels": Map(b="2", a="1"),
}


@pytest.mark.parametrize("text", GIVES)
def test_gives(text: str) -> None:
    assert Template(text).render(DATA) == GIVES[text]


@pytest.mark.parametrize("text", ["{{.At.Nosuch}}", "{{.Made.Nosuch}}"])
def test_what_is_not_there_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="can't evaluate field Nosuch"):
        Template(text).render(DATA)
