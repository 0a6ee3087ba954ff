"""The engine's parts."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from rundlet.core import Engine
from rundlet.core.state.leases import Lease


def test_two_threads_get_the_same_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each had leases of its own: what one held, by those of the other it was never let go."""
    both = threading.Barrier(2)
    make = Lease.__init__

    def slowly(*arguments: Any) -> None:
        both.wait(60)
        make(*arguments)

    monkeypatch.setattr(Lease, "__init__", slowly)
    with Engine(root=str(tmp_path / "graph"), runroot=str(tmp_path / "run")) as engine:
        found: list[Lease] = []
        threads = [threading.Thread(target=lambda: found.append(engine.leases)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found[0] is found[1] is engine.leases
