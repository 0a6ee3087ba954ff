"""The words of runtimes, as they come."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rundlet.core.errors import CommandNotExecutable, CommandNotFound, RuntimeFailed
from rundlet.core.runtimes.messages import failure, is_gone, plain

RUNC_NOT_FOUND = (
    'time="2026-11-23T14:49:52Z" level=warning msg="Failed to remove cgroup" error="rmdir: busy"\n'
    'time="2026-11-23T14:49:51Z" level=error msg="runc create failed: unable to start container '
    'process: exec: \\"nope\\": executable file not found in $PATH"\n'
)
RUNC_JSON = (
    '{"level":"warning","msg":"cgroup is not empty","time":"x"}\n'
    '{"level":"error","msg":"runc create failed: exec: \\"/bin/nope\\": stat /bin/nope: '
    'no such file or directory","time":"x"}\n'
    '{"level":"warning","msg":"later","time":"x"}\n'
)
CRUN_PLAIN = "executable file `/bin/nope` not found in $PATH: No such file or directory\n"
CRUN_JSON = '{"msg":"open executable: Permission denied","level":"error","time":"x"}\n'
RUNSC = (
    '{"msg":"starting container: creating process: failed to load /bin/nope: no such file or '
    'directory","level":"error","time":"x"}{"msg":"done","level":"info","time":"x"}'
)


@pytest.mark.parametrize(
    ("text", "words", "kind"),
    [
        (RUNC_NOT_FOUND, 'exec: "nope": executable file not found', CommandNotFound),
        (RUNC_JSON, "stat /bin/nope", CommandNotFound),
        (CRUN_PLAIN, "executable file `/bin/nope`", CommandNotFound),
        (CRUN_JSON, "open executable", CommandNotExecutable),
        (RUNSC, "failed to load /bin/nope", CommandNotFound),
        ('exec: "/etc": is a directory', "/etc", CommandNotExecutable),
        ("exec /x: exec format error", "format", CommandNotExecutable),
        ("exec failed: open /dev/pts: no such file or directory", "pts", RuntimeFailed),
        ("cannot create sandbox: waiting for sandbox to start: EOF", "--debug-log", RuntimeFailed),
        ("mount `/a` to `/b`: No such file or directory", "mount", RuntimeFailed),
        ("7: unrecognized option '--x'\nTry `7 --help' for more.", "option '--x'", RuntimeFailed),
        ("", "runc failed to start", RuntimeFailed),
    ],
)
def test_failure(text: str, words: str, kind: type[RuntimeFailed]) -> None:
    error = failure("runc", text, "start")
    assert type(error) is kind
    assert words in str(error)
    assert "level=" not in str(error)
    assert '"msg"' not in str(error)


def test_only_warnings_are_better_than_nothing() -> None:
    assert plain('time="x" level=warning msg=hm') == "hm"


@pytest.mark.parametrize(
    "text",
    [
        'time="x" level=error msg="container does not exist"',
        "error opening file `/run/x/nope/status`: No such file or directory",
        "loading container: file does not exist",
    ],
)
def test_gone(text: str) -> None:
    assert is_gone(text)


def test_a_kept_table_is_called_by_its_name() -> None:
    assert str(failure("mine@12345678", "no space left")) == "mine: no space left"


@given(st.text())
def test_any_text_gives_an_error(text: str) -> None:
    assert isinstance(failure("x", text), RuntimeFailed)
