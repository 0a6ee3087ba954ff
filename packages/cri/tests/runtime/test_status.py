"""Version, Status and RuntimeConfig over a real socket."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest


@pytest.mark.e2e
def test_version(client: Any) -> None:
    answer = client.version()
    assert (answer.version, answer.runtime_name) == ("0.1.0", "rundlet")
    assert answer.runtime_api_version == "v1"


@pytest.mark.e2e
def test_status_has_conditions_handlers_and_verbose_info(client: Any) -> None:
    answer = client.status(verbose=True)
    conditions = {one.type: one for one in answer.status.conditions}
    assert conditions["RuntimeReady"].status
    assert conditions["NetworkReady"].status, conditions["NetworkReady"].message
    names = [handler.name for handler in answer.runtime_handlers]
    assert names[0] == "", "the default comes first, without a name"
    assert "runc" in names
    assert json.loads(answer.info["config"])["storageDriver"]
    assert not client.status().info
    client.runtime_config()
    client.update_runtime_config()


@pytest.mark.e2e
def test_one_server_for_one_socket(server: Any) -> None:
    import subprocess

    server.start()
    words = [server.process.args[0], *server.globals, "serve", "--listen", str(server.socket)]
    second = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 125
    assert "another server listens" in second.stderr


@pytest.mark.e2e
def test_ends_on_sigterm_and_starts_over_what_sigkill_left(server: Any) -> None:
    server.start()
    server.process.send_signal(signal.SIGHUP)
    assert server.stop() == 0
    server.start()
    server.kill()
    assert server.start().version().runtime_name == "rundlet"
