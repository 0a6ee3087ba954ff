"""A wrong value names the file and the key, in the words of that file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rundlet.core.errors import SettingsError
from rundlet.core.settings import model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .conftest import Machine

CONTAINERS = [
    ("[containers]\npids_limit = 'many'", "containers.pids_limit: .*integer"),
    ("[containers]\nenv = [1]", "containers.env: expected a list of strings"),
    ("[containers]\nenv = 'A=b'", "containers.env: "),
    ("[engine]\ncgroup_manager = 'own'", "engine.cgroup_manager: 'own' is not one of cgroupfs"),
    ("[engine]\npull_policy = 'maybe'", "engine.pull_policy: 'maybe' is not one of always"),
    ("[network]\ndefault_host_ips = ['x']", "network.default_host_ips.0: .*'x' does not appear"),
    ("[engine.runtimes]\ncrun = '/usr/bin/crun'", "engine.runtimes.crun: expected a list"),
    ("[engine.runtimes]\ncrun = 5", "engine.runtimes.crun: expected a list"),
    ("[engine]\nconmon_path = '/usr/bin/conmon'", "engine.conmon_path: expected a list"),
    ("[engine]\nevents_logger = 'x'", "engine.events_logger: 'x' is not one of file"),
    ("[engine]\nevents_logger = 3", "engine.events_logger: 3 is not one of file"),
    ("[engine]\nimage_copy_tmp_dir = 3", "engine.image_copy_tmp_dir: .*string"),
    ("[engine.platform_to_oci_runtime]\n'wasi/wasm' = 3", "engine.platform_to_oci_runtime"),
    ("[engine.runtimes_flags]\ncrun = 3", "engine.runtimes_flags.crun: expected a list"),
    ("[network]\ndefault_subnet_pools = [3]", "network.default_subnet_pools: expected"),
    ("[network]\nnetwork_config_dir = 3", "network.network_config_dir"),
    ("engine = 3", "engine: expected a table"),
    ("[engine]\nruntimes = 3", "runtimes: expected a table"),
    ("[engine\n", "line 1"),
    ("\0", "line 1"),
]
TOML = [
    ("pids_limit = 'many'", "pids_limit: .*integer"),
    ("runtime = 5", "runtime: .*string"),
    ("no_such_key = 5", "no_such_key: no such setting"),
    ("[runtimes]\ncrun = '/usr/bin/crun'", "runtimes.crun: .*dictionary"),
    ("[runtimes.x]\nargs = 3", r"runtimes.x.args: .*list"),
    ("[runtimes.x]\nallowed_annotations = 'io.'", r"runtimes.x.allowed_annotations: .*list"),
    (
        "[runtimes.x]\nprivileged_without_host_devices = 'maybe'",
        r"runtimes.x.privileged_without_host_devices: .*boolean",
    ),
    ("dns_servers = 'a'", "dns_servers: .*list"),
    ("pull_policy = 'loud'", "pull_policy: 'loud' is not one of always"),
    ("runtime = ", "Invalid value"),
]


@pytest.mark.parametrize(("text", "message"), CONTAINERS)
def test_containers_conf(machine: Machine, text: str, message: str) -> None:
    path = machine.write(machine.etc / "containers/containers.conf.d/x.conf", text)
    with pytest.raises(SettingsError, match=f"^{path}: .*{message}"):
        machine.load()


@pytest.mark.parametrize(("text", "message"), TOML)
def test_rundlet_toml(machine: Machine, text: str, message: str) -> None:
    machine.write(machine.etc / "rundlet/rundlet.toml", "pids_limit = 1")
    path = machine.write(machine.etc / "rundlet/rundlet.toml.d/x.toml", text)
    with pytest.raises(SettingsError, match=f"^{path}: .*{message}"):
        machine.load()


@pytest.mark.parametrize("value", ["[]", "[1]", "{}", "false"])
def test_storage_conf(machine: Machine, value: str) -> None:
    text = f"[storage]\ndriver = {value}\n"
    path = machine.write(machine.etc / "containers/storage.conf", text)
    with pytest.raises(SettingsError, match=f"^{path}: storage.driver: .*string"):
        machine.load()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("PIDS_LIMIT", "many", "RUNDLET_PIDS_LIMIT: .*integer"),
        ("RUNTIMES", "crun", "RUNDLET_RUNTIMES: .*dictionary"),
        ("RUNTIMES", "{", "RUNDLET_RUNTIMES: .*dictionary"),
        ("CGROUP_MANAGER", "own", "RUNDLET_CGROUP_MANAGER: 'own' is not one of"),
    ],
)
def test_variables(machine: Machine, name: str, text: str, message: str) -> None:
    machine.write(machine.etc / "rundlet/rundlet.toml", "pids_limit = 1")
    with pytest.raises(SettingsError, match=f"^the environment: .*{message}"):
        machine.load(**{f"RUNDLET_{name}": text})


def test_unreadable(machine: Machine) -> None:
    path = machine.etc / "rundlet/rundlet.toml"
    path.mkdir(parents=True)
    with pytest.raises(SettingsError, match=f"^{path}: Is a directory"):
        machine.load()
    path.rmdir()
    path.write_bytes(b"runtime = '\xff'")
    with pytest.raises(SettingsError, match=f"^{path}: "):
        machine.load()


def test_append_adds_to_the_files_before(machine: Machine) -> None:
    conf = machine.etc / "containers/containers.conf"
    machine.write(conf, "[containers]\nenv = ['A=1']\nvolumes = ['/a:/a']\n")
    machine.write(
        conf.with_name("containers.conf.d") / "1.conf",
        "[containers]\nenv = ['B=2', {append=true}]\nvolumes = ['/b:/b', {append=false}]\n",
    )
    settings = machine.load()
    assert settings.environment == ("A=1", "B=2")
    assert settings.volumes == ("/b:/b",)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["runtime", "runtimes", "init", "volumes", "x"]), _VALUES))
def test_any_table_is_settings_or_a_settings_error(table: dict[str, object]) -> None:
    try:
        model.check(table, "FILE")
    except SettingsError as error:
        assert error.message.startswith("FILE: ")
