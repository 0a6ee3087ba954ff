"""The life of a container, on real runc and conmon, over a root directory."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from devtools.waiting import until
from rundlet.core.containers import ending, joined
from rundlet.core.containers.exec import specification
from rundlet.core.containers.logs import LogOptions
from rundlet.core.containers.paths import Paths
from rundlet.core.containers.state import boot_id
from rundlet.core.containers.wait import wait
from rundlet.core.engine import Engine
from rundlet.core.errors import (
    AlreadyExists,
    AmbiguousName,
    CommandNotExecutable,
    CommandNotFound,
    Corrupt,
    InvalidArgument,
    NoSuchContainer,
    RundletError,
    WrongState,
)
from rundlet.core.linux.processes import alive, start_time
from rundlet.core.state import containers as rows
from rundlet.core.state.containers import Container
from rundlet.core.system.check import check


def test_run_gives_output_and_exit_code(engine, request_for, pipes) -> None:
    ends = pipes()
    result = engine.containers.run(
        request_for("sh", "-c", "echo out; echo err >&2; exit 3"), ends.streams
    )
    assert (result.how, result.exit_code) == ("exited", 3)
    assert (ends.out, ends.err) == (b"out\n", b"err\n")
    row = engine.containers.get(result.container)
    assert (row.status, row.exit_code, row.pid) == ("exited", 3, 0)
    assert row.created <= row.started <= row.finished
    assert row.command == "sh -c echo out; echo err >&2; exit 3"


def test_run_without_streams_waits_for_the_end(engine, request_for) -> None:
    """What `run` gave back can be read and removed: only `detach` returns before the end."""
    slow = request_for("sh", "-c", "sleep 1; echo done; exit 3")
    result = engine.containers.run(slow)
    assert (result.how, result.exit_code) == ("exited", 3)
    assert [line.text for line in engine.containers.logs(result.container)] == [b"done"]
    engine.containers.remove(result.container)
    result = engine.containers.run(slow, detach=True)
    assert (result.how, engine.containers.get(result.container).status) == ("detached", "running")
    assert engine.containers.wait(result.container) == 3
    engine.containers.remove(result.container)


def test_run_rm_leaves_nothing(engine, request_for, pipes, tmp_path: Path) -> None:
    result = engine.containers.run(request_for("true", auto_remove=True), pipes().streams)
    assert result.exit_code == 0
    assert engine.containers.list() == []
    assert os.listdir(tmp_path / "run/exits") == []
    with pytest.raises(NoSuchContainer):
        engine.containers.get(result.container)


@pytest.mark.parametrize(
    ("command", "error", "code"),
    [(("nope",), CommandNotFound, 127), (("/etc",), CommandNotExecutable, 126)],
)
def test_a_command_that_cannot_run(engine, request_for, command, error, code) -> None:
    with pytest.raises(error) as caught:
        engine.containers.run(request_for(*command, name="bad"))
    assert caught.value.exit_code == code
    assert engine.containers.get("bad").status == "created"  # as podman leaves it
    with pytest.raises(error):
        engine.containers.run(request_for(*command, auto_remove=True))
    assert [row.name for row in engine.containers.list()] == ["bad"]


def test_nothing_to_run(engine, request_for) -> None:
    with pytest.raises(InvalidArgument, match="no command or entrypoint"):
        engine.containers.create(request_for())
    assert engine.containers.list() == []


def test_names_and_ids(engine, request_for) -> None:
    first = engine.containers.create(request_for("true", name="one"))
    with pytest.raises(AlreadyExists, match=first.id):
        engine.containers.create(request_for("true", name="one"))
    generated = engine.containers.create(request_for("true"))
    adjective, _, surname = generated.name.partition("_")
    assert adjective.isalpha() and surname.isalpha()
    assert engine.containers.get(first.id[:12]).name == "one"
    with pytest.raises(NoSuchContainer, match='no container with name or ID "two" found'):
        engine.containers.get("two")
    with pytest.raises(NoSuchContainer):
        engine.containers.get("")
    many = [engine.containers.create(request_for("true")) for _ in range(17)]
    digits = [row.id[0] for row in many]
    twice = next(digit for digit in digits if digits.count(digit) > 1)
    with pytest.raises(AmbiguousName):
        engine.containers.get(twice)
    renamed = engine.containers.rename("one", "uno")
    assert engine.containers.get("uno").id == renamed.id
    with pytest.raises(AlreadyExists):
        engine.containers.rename("uno", generated.name)
    with pytest.raises(InvalidArgument):
        engine.containers.rename("uno", "-x")


def test_start_stop_and_start_again(engine, request_for) -> None:
    engine.containers.create(request_for("sh", "-c", "trap 'exit 9' TERM; sleep 100 & wait"))
    name = engine.containers.list()[0].name
    for _ in range(2):
        started = engine.containers.start(name)
        assert engine.containers.get(name).status == "running"
        assert engine.containers.start(name).pid == started.pid  # no error, nothing done
        _until_trapped(engine, name)
        assert engine.containers.stop(name, timeout=10).exit_code == 9
        assert engine.containers.get(name).status == "exited"
    assert engine.containers.stop(name).status == "exited"


def _until_trapped(engine: Engine, name: str) -> None:
    """Until the shell has its trap set: TERM (15) is in its mask of caught signals."""
    status = Path(f"/proc/{engine.containers.get(name).pid}/status")

    def trapped() -> bool:
        return bool(int(status.read_text().partition("SigCgt:")[2].split()[0], 16) >> 14 & 1)

    until(trapped, "the shell set no trap")


def test_an_initialized_one_whose_process_was_killed_starts_anew(engine, request_for) -> None:
    made = engine.containers.create(request_for("sleep", "60", exit_command=False))
    made = engine.containers.init(made.id)
    os.kill(made.monitor_pid, signal.SIGSTOP)  # it writes the exit code late
    late = threading.Timer(0.3, os.kill, (made.monitor_pid, signal.SIGCONT))
    late.start()
    engine.plugins.runtime(made.runtime).delete(made.id, force=True)
    engine.containers.start(made.id)  # nobody has written down that it ended
    assert engine.containers.get(made.id).status == "running"
    late.join()
    until(lambda: not alive(made.monitor_pid, made.monitor_start))
    assert not os.path.exists(Paths(engine, made.id).exit_file), "that is of the run before"
    events = engine.database.rows("SELECT action FROM events WHERE id = ?", made.id)
    actions = [action for (action,) in events]
    assert (actions[:3], actions[-1]) == (["create", "init", "died"], "start")


def test_a_second_start_at_once_is_no_error(engine, request_for, monkeypatch) -> None:
    made = engine.containers.create(request_for("sleep", "60"))
    before = joined.start_needed

    def faster(engine: Engine, row: Container) -> None:
        monkeypatch.setattr(joined, "start_needed", before)
        engine.containers.start(row.id)  # by another, who gets the lock first

    monkeypatch.setattr(joined, "start_needed", faster)
    assert engine.containers.start(made.id).status == "running"


def test_a_check_leaves_alone_what_is_being_made_or_removed(engine, request_for) -> None:
    made = engine.containers.create(request_for("true"))
    busy = {"pid": os.getpid(), "pid_start": start_time(os.getpid()), "boot": boot_id()}
    rows.update(engine.database, made.id, status="creating", **busy)
    assert [problem.message for problem in check(engine)] == []
    with engine.locks.hold("container", made.id):
        rows.update(engine.database, made.id, status="removing")
        assert [problem.message for problem in check(engine)] == []
    (problem,) = check(engine)
    assert problem.message.endswith("was being removed when its process was killed")
    assert problem.repair is not None
    problem.repair()
    assert engine.containers.list() == []


def test_stop_kills_after_the_timeout(engine, request_for) -> None:
    deaf = request_for("sleep", "1000", name="deaf", stop_timeout=600)
    engine.containers.run(deaf, detach=True)
    before = time.monotonic()
    assert engine.containers.stop("deaf", timeout=0.2).exit_code == 137
    assert 0.2 <= time.monotonic() - before < 300  # 600 is what it would wait by itself


def test_stop_is_heard_by_one_that_has_just_begun(engine, request_for) -> None:
    """The kernel drops the signal of an init without a handler: it is sent again to one with."""
    late = "sleep 1; trap 'exit 7' TERM; while :; do sleep 0.1; done"
    engine.containers.run(request_for("sh", "-c", late, name="late"), detach=True)
    assert engine.containers.stop("late", timeout=60).exit_code == 7


def test_kill(engine, request_for) -> None:
    engine.containers.run(request_for("sleep", "100", name="it"), detach=True)
    with pytest.raises(InvalidArgument, match="invalid signal: NOPE"):
        engine.containers.kill("it", "NOPE")
    engine.containers.kill("it", "SIGKILL")
    assert engine.containers.wait("it") == 137
    with pytest.raises(WrongState, match="can only kill running containers"):
        engine.containers.kill("it")


def test_the_exit_code_is_waited_for(engine, request_for) -> None:
    engine.containers.run(request_for("sleep", "100", name="it"), detach=True)
    row = engine.containers.get("it")
    os.kill(row.monitor_pid, signal.SIGSTOP)  # it writes the exit code late
    os.kill(row.pid, signal.SIGKILL)
    until(lambda: not alive(row.pid, row.pid_start))
    late = threading.Timer(0.3, os.kill, (row.monitor_pid, signal.SIGCONT))
    late.start()
    assert engine.containers.get("it").exit_code == 137
    late.join()


def test_pause(engine, request_for) -> None:
    engine.containers.run(request_for("sleep", "100", name="it"), detach=True)
    engine.containers.pause("it")
    assert engine.containers.get("it").status == "paused"
    with pytest.raises(WrongState):
        engine.containers.pause("it")
    engine.containers.unpause("it")
    assert engine.containers.get("it").status == "running"
    engine.containers.pause("it")
    engine.containers.remove("it", force=True, timeout=0)


def test_remove_wants_force_while_running(engine, request_for) -> None:
    engine.containers.run(request_for("sleep", "100", name="it"), detach=True)
    with pytest.raises(WrongState, match="cannot be removed without force"):
        engine.containers.remove("it")
    engine.containers.remove("it", force=True, timeout=0)
    with pytest.raises(NoSuchContainer):
        engine.containers.remove("it", force=True)


def test_wait_for_exit_and_for_running(engine, request_for) -> None:
    request = request_for("sh", "-c", "until test -e /go; do sleep 0.05; done; exit 4", name="it")
    engine.containers.create(request)
    assert engine.containers.wait("it") == 0  # never started: podman says 0 at once
    codes: list[int] = []

    def waiter() -> None:
        with Engine(engine.settings) as other:
            codes.append(other.containers.wait("it", ("running",)))
            Path(request.rootfs, "go").touch()
            codes.append(other.containers.wait("it"))

    thread = threading.Thread(target=waiter)
    thread.start()
    engine.containers.start("it")
    thread.join(60)
    assert codes == [-1, 4]
    with pytest.raises(InvalidArgument):
        engine.containers.wait("it", ("nonsense",))


def test_wait_for_one_that_is_removed(engine, request_for, monkeypatch) -> None:
    script = "until test -e /go; do sleep 0.05; done; exit 6"
    request = request_for("sh", "-c", script, auto_remove=True, name="it")
    started = engine.containers.run(request, detach=True)
    wait_process = ending.wait_process

    def waited_for(row: Container) -> bool:
        Path(request.rootfs, "go").touch()
        return wait_process(row)

    monkeypatch.setattr(ending, "wait_process", waited_for)
    assert engine.containers.wait(started.container) == 6


def test_the_exit_code_of_one_that_has_been_started_again(engine, request_for) -> None:
    script = "test -e /go && exec sleep 60; touch /go; exit 7"
    engine.containers.run(request_for("sh", "-c", script, name="it"), detach=True)
    waited_for = engine.containers.get("it")
    assert engine.containers.wait("it") == 7
    engine.containers.stop("it")
    engine.containers.start("it")
    assert wait(engine, waited_for.replace(status="running"), ("exited",)) == 7


def test_the_exit_command_cleans_up(engine, request_for) -> None:
    """Nobody of ours watches: conmon's exit command notes the end, or removes."""
    engine.containers.run(request_for("sh", "-c", "exit 5", name="kept"), detach=True)
    gone = engine.containers.run(request_for("true", auto_remove=True), detach=True)
    until(lambda: not os.path.exists(Paths(engine, _id(engine, "kept")).live))
    stored = engine.database.row("SELECT status, exit_code FROM containers WHERE name = 'kept'")
    assert stored == ("exited", 5)
    until(lambda: gone.container not in [row.id for row in engine.containers.list()])


def _id(engine: Engine, name: str) -> str:
    return engine.containers.get(name).id


def test_exit_command_of_a_watched_container_starts_no_python(engine, request_for, pipes) -> None:
    """While a foreground process holds its lock, the exit command is a waiting shell."""
    result = engine.containers.run(request_for("true"), pipes().streams)
    run = Paths(engine, result.container).run
    assert not os.path.exists(f"{run}/cleanup.err")
    assert not os.path.exists(f"{run}/live")


def test_logs(engine, request_for, pipes) -> None:
    script = "for i in 1 2 3 4 5; do echo line $i; done; echo oops >&2; echo -n end"
    result = engine.containers.run(request_for("sh", "-c", script), pipes().streams)
    lines = list(engine.containers.logs(result.container))
    out = [line for line in lines if line.stream == "stdout"]
    assert [line.text for line in out] == [*(b"line %d" % i for i in range(1, 6)), b"end"]
    assert [line.whole for line in out] == [True] * 5 + [False]
    assert [line.text for line in lines if line.stream == "stderr"] == [b"oops"]
    last = list(engine.containers.logs(result.container, LogOptions(tail=2)))
    assert len(last) == 2


def test_logs_follow_until_the_exit(engine, request_for) -> None:
    script = "echo one; sleep 0.3; echo two; sleep 0.3; echo three"
    result = engine.containers.run(request_for("sh", "-c", script), detach=True)
    seen = [line.text for line in engine.containers.logs(result.container, LogOptions(follow=True))]
    assert seen == [b"one", b"two", b"three"]


def test_logs_of_a_driver_without_a_file(engine, request_for, pipes) -> None:
    ends = pipes()
    result = engine.containers.run(request_for("echo", "hi", log_driver="none"), ends.streams)
    assert ends.out == b"hi\n"
    with pytest.raises(RundletError, match="not logging output"):
        list(engine.containers.logs(result.container))


def test_a_long_root_works(engine, tmp_path: Path, request_for, pipes) -> None:
    """Socket paths longer than sun_path's 108 bytes."""
    deep = str(tmp_path / ("d" * 90))
    there = {"graph_root": f"{deep}/graph", "run_root": f"{deep}/run"}
    with Engine(engine.settings.replace(**there)) as engine:
        ends = pipes()
        engine.containers.run(request_for("echo", "hi", auto_remove=True), ends.streams)
        assert ends.out == b"hi\n"
        ends = pipes()
        request = request_for("echo", "hi", auto_remove=True, terminal=True)
        engine.containers.run(request, ends.streams)
        assert ends.out == b"hi\r\n"


def test_inspect(engine, request_for) -> None:
    request = request_for("sleep", "100", name="it", labels={"a": "b"}, env={"C": "d"})
    engine.containers.run(request, detach=True)
    document = engine.containers.inspect("it")
    assert document["Path"] == "sleep" and document["Args"] == ["100"]
    assert document["State"]["Status"] == "running" and document["State"]["Running"]
    assert document["Config"]["Labels"] == {"a": "b"}
    assert "C=d" in document["Config"]["Env"]
    created = engine.containers.create(request_for("true", name="new"))
    document = engine.containers.inspect(created.id)
    assert document["State"]["Status"] == "created"
    assert document["State"]["StartedAt"] == "0001-01-01T00:00:00Z"


def test_a_name_whose_container_is_just_being_removed(engine, request_for, monkeypatch) -> None:
    """Its remover was killed, and its exit command is at it: the name is free in a moment."""
    before = engine.containers.create(request_for("true", name="it"))
    insert = rows.insert
    with Engine(engine.settings) as other, ExitStack() as busy:
        busy.enter_context(other.locks.hold("container", before.id))
        rows.update(engine.database, before.id, status="removing")

        def inserted(database, row) -> None:
            try:
                insert(database, row)
            except AlreadyExists:
                busy.close()
                raise

        monkeypatch.setattr(rows, "insert", inserted)
        assert engine.containers.create(request_for("true", name="it")).id != before.id
        with pytest.raises(AlreadyExists):
            engine.containers.create(request_for("true", name="it"))


def test_nothing_is_left_after_a_defect(engine, request_for, monkeypatch) -> None:
    def defect(*_: object, **__: object) -> None:
        raise ValueError("a defect")

    monkeypatch.setattr("rundlet.core.containers.run.start", defect)
    with pytest.raises(ValueError, match="a defect"):
        engine.containers.run(request_for("true", auto_remove=True), detach=True)
    assert engine.containers.list() == []


def test_a_prune_removes_what_waits_for_its_start_but_nothing_that_was_started(
    engine, request_for
) -> None:
    """A `run` is between init and start when a prune makes its list."""
    for name in ("started", "waits"):
        engine.containers.create(request_for("sleep", "100", name=name))
        engine.containers.init(name)
    engine.containers.start("started")
    with pytest.raises(WrongState):
        engine.containers.remove("started", waiting=True)
    assert engine.containers.get("started").status == "running"
    engine.containers.remove("waits", waiting=True)
    engine.containers.remove("started", force=True, timeout=0)


def test_a_container_whose_bundle_is_gone_is_being_removed_or_damaged(engine, request_for) -> None:
    """`stats` of all, while somebody removes one: that one is passed over."""
    row = engine.containers.create(request_for("true", name="it"))
    with pytest.raises(Corrupt, match="No such file"):
        specification(engine, row)
    rows.update(engine.database, row.id, status="removing")
    with pytest.raises(NoSuchContainer):
        specification(engine, row)
