"""`--log-level=debug`: what a command has others do."""

from __future__ import annotations

import re

import pytest

from devtools.tool import Rundlet

LINE = re.compile(r'time="[^"]+" level=debug msg="(.*)"')


@pytest.mark.parametrize("how", ["--log-level=debug", "--log-level=trace", "-D"])
def test_what_is_run_is_told(loaded: Rundlet, how: str) -> None:
    words = ("run", "--rm", "--network=none", "busybox", "echo", "hi")
    assert loaded(*words).stderr == ""
    told = loaded(how, *words)
    assert told.stdout == "hi\n"
    lines = [match[1] for line in told.stderr.splitlines() if (match := LINE.fullmatch(line))]
    assert len(lines) == len(told.stderr.splitlines())
    assert f"opening {loaded.directory}/root/state.db" in lines
    assert any(
        line.startswith("running /") and "/conmon --api-version 1 " in line for line in lines
    )
    assert any(re.search(r"running .* start [0-9a-f]{64}$", line) for line in lines)


def test_a_registry_that_is_not_there(rundlet: Rundlet) -> None:
    done = rundlet("-D", "pull", "-q", "--retry=0", "127.0.0.1:1/a", check=False)
    assert done.returncode == 125
    assert 'msg="connecting to 127.0.0.1:1"' in done.stderr
