"""Processes: who is who, and running programs."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rundlet.core.linux.processes import alive, readable, run, start_time


def test_a_process_is_itself() -> None:
    started = start_time(os.getpid())
    assert started > 0
    assert alive(os.getpid(), started)
    assert not alive(os.getpid(), started + 1), "another process with the same pid"
    assert not alive(0, started)


def test_a_zombie_is_gone() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    try:
        assert start_time(pid) == 0
    finally:
        os.waitpid(pid, 0)
    assert start_time(pid) == 0


def test_a_process_whose_first_thread_has_ended_lives_on() -> None:
    """SYS_exit (60 and 93) ends the calling thread only."""
    number = 60 if os.uname().machine == "x86_64" else 93
    code = f"""
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
print(flush=True)
ctypes.CDLL(None).syscall({number}, 0)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None and process.stdout.readline()
        started = start_time(process.pid)
        while Path(f"/proc/{process.pid}/stat").read_text().split()[2] != "Z":
            time.sleep(0.01)
        assert start_time(process.pid) == started
    finally:
        process.kill()
        process.wait()
    assert start_time(process.pid) == 0


def test_a_name_with_spaces_and_brackets(tmp_path: object) -> None:
    program = f"{tmp_path}/a) b (c"
    os.symlink("/bin/sleep", program)
    pid = os.posix_spawn(program, [program, "60"], os.environ)
    try:
        assert alive(pid, start_time(pid))
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_run_collects_all() -> None:
    done = run(["/bin/sh", "-c", "cat; echo oops >&2; exit 3"], stdin=b"in\0\xff")
    assert (done.code, done.stdout, done.stderr) == (3, b"in\0\xff", b"oops\n")


def test_run_more_than_a_pipe_holds() -> None:
    text = os.urandom(3_000_000)
    assert run(["/bin/cat"], stdin=text).stdout == text


def test_run_signal_and_environment() -> None:
    assert run(["/bin/sh", "-c", "kill -9 $$"]).code == -9
    done = run(["/bin/sh", "-c", "echo $A"], environment={"A": "b"})
    assert done.stdout == b"b\n"


def test_run_passes_descriptors() -> None:
    read, write = os.pipe()
    try:
        assert (
            run(["/bin/sh", "-c", f"echo x > /proc/self/fd/{write}"], pass_fds=(write,)).code == 0
        )
        assert os.read(read, 10) == b"x\n"
    finally:
        os.close(read)
        os.close(write)


def test_run_nothing_there(tmp_path: object) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError):
        run([f"{tmp_path}/none"])
    with pytest.raises(PermissionError):
        run([str(tmp_path)])
    assert len(os.listdir("/proc/self/fd")) == before, "descriptors were left open"


def test_a_start_time_is_the_same_in_every_time_namespace() -> None:
    """Else `ps` in one would take what was started in another for dead."""
    code = f"from rundlet.core.linux.processes import start_time; print(start_time({os.getpid()}))"
    for offset in ("100000", "-1"):
        words = ["unshare", "-T", "--boottime", offset, sys.executable, "-c", code]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        assert int(done.stdout) == start_time(os.getpid()), offset


def test_what_is_waited_for_may_have_any_number() -> None:
    """select(2) takes descriptors below 1024 only; servers have more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 2000)), hard))
    reader, writer = os.pipe()
    high = fcntl.fcntl(reader, fcntl.F_DUPFD_CLOEXEC, 1500)
    try:
        assert not readable([high], 0)
        os.write(writer, b"x")
        assert readable([high], 60)
    finally:
        for descriptor in (reader, writer, high):
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
