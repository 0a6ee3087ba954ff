"""The tests of a new plugin, by kind: the suite of the conformance kit, subclassed."""

from __future__ import annotations

_HEAD = '''\
"""`$name` keeps its contract (rundlet-core[testing] brings the suite)."""

from __future__ import annotations

'''

_STORAGE = '''\
import pytest
from rundlet.core.testing.storage import StorageDriverContract

from $module import $type


class Test$type(StorageDriverContract):
    @pytest.fixture
    def make(self) -> type[$type]:
        """What makes a driver for a home."""
        return $type
'''

_RUNTIME = """\
from pathlib import Path

import pytest
from rundlet.core.contracts.runtime import RuntimeConfig
from rundlet.core.testing.runtime import OCIRuntimeContract

from $module import $type


class Test$type(OCIRuntimeContract):
    prints = "runc"  # what your program's --version begins with

    @pytest.fixture
    def driver(self, tmp_path: Path) -> $type:
        return $type(RuntimeConfig(root=tmp_path / "runtime"))
"""

_NETWORK = """\
import pytest
from rundlet.core.contracts.network import NetworkSettings
from rundlet.core.testing.network import NetworkPluginContract

from $module import $type


class Test$type(NetworkPluginContract):
    joins = False  # remove this when `attach` makes interfaces
    publishes = False  # and this when it publishes ports

    @pytest.fixture
    def plugin(self, settings: NetworkSettings) -> $type:
        return $type(settings)
"""

_TRANSPORT = '''\
from pathlib import Path

import pytest
from rundlet.core.testing.transport import ImageTransportContract

from $module import $type


class Test$type(ImageTransportContract):
    @pytest.fixture
    def transport(self) -> $type:
        return $type()

    @pytest.fixture
    def place(self, tmp_path: Path) -> str:
        """What follows `$name:` for an image of the test's own."""
        return str(tmp_path / "image")
'''

_SECRETS = """\
from pathlib import Path

import pytest
from rundlet.core.testing.secrets import SecretDriverContract

from $module import $type


class Test$type(SecretDriverContract):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> $type:
        return $type(str(tmp_path / "home"))
"""

_HOOKS = """\
from types import ModuleType

import pytest
from rundlet.core.testing.hooks import HooksContract
from rundlet.core.views import ImageView

import $module


class Test$type(HooksContract):
    @pytest.fixture
    def plugin(self) -> ModuleType:
        return $module


def test_refuses_by_label() -> None:
    image = ImageView("app", labels={$module.LABEL: "it is old"})
    assert "it is old" in str($module.rundlet_admit_image(image, "run"))
    assert $module.rundlet_admit_image(ImageView("app"), "run") is None
"""

_COMMAND = """\
import subprocess
import sys
from pathlib import Path


def test_through_the_command_line(tmp_path: Path) -> None:
    store = ["--root", str(tmp_path / "root"), "--runroot", str(tmp_path / "run")]
    program = Path(sys.executable).with_name("rundlet")
    words = [program, *store, "$name", "--loud", "you"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == "HELLO YOU, THERE ARE 0 IMAGES\\n"
"""

SUITES = {
    kind: _HEAD + body
    for kind, body in {
        "storage": _STORAGE,
        "runtime": _RUNTIME,
        "network": _NETWORK,
        "transport": _TRANSPORT,
        "secrets": _SECRETS,
        "hooks": _HOOKS,
        "command": _COMMAND,
    }.items()
}
"""Kind, as `--kind` names it, to the text of the tests."""
