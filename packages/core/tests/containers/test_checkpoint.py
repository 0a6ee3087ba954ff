"""Checkpoints that fail; those of real CRIU are in packages/cli/tests/verbs/test_checkpoint.py."""

from __future__ import annotations

import pytest

from rundlet.core.containers import restart
from rundlet.core.containers.checkpoint import dump
from rundlet.core.errors import RuntimeFailed
from rundlet.core.runtimes.runc import Runc


def test_a_failed_checkpoint_leaves_the_restart_policy(
    engine, request_for, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = request_for("sleep", "100", restart="always")
    container = engine.containers.run(request, detach=True).container

    def fail(*_: object) -> None:
        assert restart.stopped(engine, container)  # an end by the checkpoint is no reason
        raise RuntimeFailed("no")

    monkeypatch.setattr(Runc, "checkpoint", fail)
    monkeypatch.setattr(dump, "usable", lambda *_: None)
    with pytest.raises(RuntimeFailed):
        engine.containers.checkpoint(container, dump.Options())
    assert not restart.stopped(engine, container)
