"""containers.conf and storage.conf: every key is read, or stands in the table with a reason."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from devtools import containers_conf_page, rundlet_toml_page
from rundlet.core.settings.keys import CONTAINERS_CONF, STORAGE_CONF
from rundlet.core.settings.snapshot import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .conftest import Machine

_OF_SLIRP4NETNS = {"allow_host_loopback", "cidr", "mtu", "outbound_addr", "port_handler"}
_MANUAL = Path("/usr/share/man/man5/containers.conf.5.gz")


def test_each_key_stands_once_and_says_what_becomes_of_it() -> None:
    keys = (*CONTAINERS_CONF, *STORAGE_CONF)
    assert len({(key.table, key.name) for key in keys}) == len(keys)
    for key in keys:
        said = [bool(one) for one in (key.setting, key.flag, key.does, key.without)]
        assert said.count(True) == 1, key
        assert not key.setting or key.setting in Settings.__fields__, key


def test_the_page_of_keys_is_as_it_is_made() -> None:
    for page in (containers_conf_page, rundlet_toml_page):
        assert page.PAGE.read_text() == page.page(), f"python -m {page.__name__}"


@pytest.mark.skipif(not _MANUAL.exists(), reason="the manual page is not installed")
def test_all_keys_of_the_manual_page_are_known() -> None:
    text = gzip.decompress(_MANUAL.read_bytes()).decode()
    text = text[text.index("CONTAINERS TABLE") : text.rindex("SERVICE DESTINATION TABLE")]
    names = set(re.findall(r"^\\fB([a-z_]+)(?:\\fP ?=|=)", text, flags=re.MULTILINE))
    assert len(names) > 80
    assert names - _OF_SLIRP4NETNS <= {key.name for key in CONTAINERS_CONF}


def test_keys_that_are_read_in_a_way_of_their_own(machine: Machine) -> None:
    conf = machine.etc / "containers/containers.conf"
    machine.write(
        conf,
        """
        [containers]
        log_tag = "web"
        [engine]
        retry = 7
        retry_delay = "1m5s"
        compression_format = "zstd"
        compression_level = 9
        events_logger = "journald"
        image_copy_tmp_dir = "/large"
        conmon_env_vars = ["A=b"]
        no_pivot_root = true
        multi_image_archive = true
        [engine.runtimes]
        crun = ["/there", "/opt/crun"]
        [engine.runtimes_flags]
        crun = ["debug", "log-format=json"]
        [engine.platform_to_oci_runtime]
        "wasi/wasm" = "crun-wasm"
        "wasi/wasm64" = ["crun-wasm"]
        """,
    )
    storage = machine.etc / "containers/storage.conf"
    machine.write(
        storage,
        """
        [storage]
        driver_priority = ["vfs"]
        [storage.options]
        root-auto-userns-user = "others"
        auto-userns-min-size = 10
        auto-userns-max-size = 20
        """,
    )
    found = machine.load()
    assert (found.retries, found.retry_delay) == (7, 65.0)
    assert (found.compression_format, found.compression_level) == ("zstd", 9)
    assert (found.events_backend, found.temporary) == ("sqlite", "/large")
    assert (found.conmon_env, found.no_pivot_root) == (("A=b",), True)
    assert found.multi_image_archive
    assert found.run_flags == {"log-opt": ("tag=web",)}
    assert found.runtimes == {"crun": {"path": "/there", "args": ["--debug", "--log-format=json"]}}
    assert found.platform_runtimes == {"wasi/wasm": "crun-wasm", "wasi/wasm64": "crun-wasm"}
    assert found.storage_driver_priority == ("vfs",)
    assert found.auto_userns_user == "others"
    assert (found.auto_userns_min_size, found.auto_userns_max_size) == (10, 20)
    assert not found.unknown_keys
    drop_in = conf.with_name("containers.conf.d") / "1.conf"
    machine.write(
        drop_in,
        "[engine]\nevents_logger = 'none'\nimage_copy_tmp_dir = 'storage'\n"
        "[engine.runtimes_flags]\ncrun = []\n",
    )
    found = machine.load()
    assert (found.events_backend, found.temporary) == ("none", "")
    assert found.runtimes == {"crun": {"path": "/there", "args": []}}


def test_unknown_keys_are_named(machine: Machine) -> None:
    conf = machine.write(
        machine.etc / "containers/containers.conf",
        "new = 1\n[engine]\nretries = 3\nruntime = 'runc'\n[engine.runtimes]\nmine = []\n"
        "[machine]\nanything = 1\n[later]\nkey = 1\n",
    )
    storage = machine.write(
        machine.etc / "containers/storage.conf",
        "[storage.options.overlay]\nmountop = 'nodev'\n[storage.options.zfs]\nfsname = 'x'\n",
    )
    found = machine.load()
    assert found.runtime == "runc"
    assert found.unknown_keys == (
        f"{conf}: new",
        f"{conf}: engine.retries",
        f"{conf}: later",
        f"{storage}: storage.options.overlay.mountop",
    )
