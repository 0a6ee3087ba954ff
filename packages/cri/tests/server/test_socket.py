"""What is at the path that the server is to listen on."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from rundlet.core.errors import AlreadyExists, StoreError
from rundlet.cri.server.socket import free


def test_a_dead_socket_makes_way_and_a_live_one_does_not(tmp_path: Path) -> None:
    path = tmp_path / "new/cri.sock"
    free(str(path))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        with pytest.raises(AlreadyExists, match="another server"):
            free(str(path))
    free(str(path))
    assert not path.exists()


def test_what_is_no_socket_stays(tmp_path: Path) -> None:
    """`--listen` of a file deleted it; of nothing, served where nobody could call."""
    file = tmp_path / "precious"
    file.write_text("mine")
    for path in (file, tmp_path):
        with pytest.raises(StoreError, match="no socket"):
            free(str(path))
    assert file.read_text() == "mine"
    with pytest.raises(StoreError, match="empty"):
        free("")
