"""Tokens of streaming requests: for one use, of one kind, for a minute, and not without end."""

from __future__ import annotations

import pytest

from rundlet.core.errors import Busy
from rundlet.cri.proto import api_pb2 as cri
from rundlet.cri.streams import tickets

REQUEST = cri.ExecRequest(container_id="a")


def test_a_token_is_good_once_for_its_kind_and_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    made = tickets.Tickets()
    token = made.issue(REQUEST)
    assert len(token) > 20 and made.issue(REQUEST) != token
    assert made.take(token, "attach") is None
    assert made.take(token, "exec") == REQUEST
    assert made.take(token, "exec") is None
    late = made.issue(REQUEST)
    now += tickets.LIFE + 1
    assert made.take(late, "exec") is None


def test_tokens_that_nobody_uses_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    made = tickets.Tickets()
    for _ in range(tickets.MOST):
        made.issue(REQUEST)
    with pytest.raises(Busy):
        made.issue(REQUEST)
    now += tickets.LIFE + 1
    assert made.issue(REQUEST)
