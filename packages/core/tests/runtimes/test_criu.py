"""What CRIU says, in the words that help."""

from __future__ import annotations

import pytest

from rundlet.core.runtimes import criu

LOG = """\
(00.206901) Error (criu/util.c:1533): rlimit: Can't setup RLIMIT_NOFILE for self
(00.435623) Warn  (compel/arch/x86/src/lib/infect.c:418): Will restore 28921
(00.436471) Error (criu/sk-inet.c:191): inet: Connected TCP socket, consider using another option.
(00.436486) Error (criu/cr-dump.c:1681): Dump files (pid: 28921) failed with -1
(00.689609) Error (criu/cr-dump.c:2111): Dumping FAILED.
"""


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        (LOG.splitlines(), "inet: Connected TCP socket, consider using another option."),
        (LOG.splitlines()[-2:], "Dumping FAILED."),
        (["criu: Error (x) no colon"], "x) no colon"),
        ([], ""),
    ],
)
def test_the_error_is_the_one_that_says_why(lines: list[str], wanted: str) -> None:
    assert criu.errors(lines) == wanted
