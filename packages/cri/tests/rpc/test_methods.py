"""What clients are told of errors."""

from __future__ import annotations

import grpc
import pytest

from rundlet.core.errors import NoSpace, NoSuchContainer
from rundlet.cri.rpc.methods import status


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (NoSuchContainer("x"), "NOT_FOUND", 'name or ID "x"'),
        (NoSpace("full"), "RESOURCE_EXHAUSTED", "full"),
        (OSError(28, "No space left", "/x"), "RESOURCE_EXHAUSTED", "No space left: '/x'"),
        (ValueError("of ours"), "INTERNAL", "Rpc: ValueError('of ours')"),
    ],
)
def test_errors(error: Exception, code: str, words: str) -> None:
    answered = status("Rpc", error)
    assert answered[0] is grpc.StatusCode[code]
    assert words in answered[1]
