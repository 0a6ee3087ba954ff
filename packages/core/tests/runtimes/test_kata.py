"""Kata's driver, as far as it goes without Kata: what is missing, what it tells the shim."""

from __future__ import annotations

from pathlib import Path

import pytest

from rundlet.core.contracts.runtime import RuntimeConfig
from rundlet.core.errors import SettingsError
from rundlet.core.runtimes import kata
from rundlet.core.runtimes.kata import Kata
from rundlet.core.runtimes.shim import protobuf
from rundlet.core.runtimes.shim.api import KATA

CONFIGURATION = """
[hypervisor.qemu]
path = "/bin/sh"
kernel = "{kernel}"
initrd = "{initrd}"
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration whose guest is there, and a KVM that can be opened."""
    monkeypatch.delenv("KATA_CONF_FILE", raising=False)
    monkeypatch.setattr(kata, "CONFIGURATIONS", (str(tmp_path / "none.toml"),))
    for name in ("kernel", "initrd", "kvm"):
        (tmp_path / name).touch()
    monkeypatch.setattr(kata, "KVM", str(tmp_path / "kvm"))
    path = tmp_path / "configuration.toml"
    path.write_text(CONFIGURATION.format(kernel=tmp_path / "kernel", initrd=tmp_path / "initrd"))
    return path


def driver(tmp_path: Path, **options: object) -> Kata:
    return Kata(RuntimeConfig(tmp_path / "root", path="/bin/true", options=options))


def reason(tmp_path: Path, **options: object) -> str:
    found = driver(tmp_path, **options).probe()
    assert not found.works
    return found.reason


def test_everything_that_is_missing_is_said(machine: Path, tmp_path: Path) -> None:
    """All at once, in words: one does not want to find them one by one."""
    (tmp_path / "kernel").unlink()
    (tmp_path / "kvm").unlink()
    found = Kata(RuntimeConfig(tmp_path, path="/no/shim", options={"config": str(machine)})).probe()
    assert not found.works
    assert "/no/shim is not installed" in found.reason
    assert f"this machine has no {tmp_path / 'kvm'}" in found.reason
    assert f"hypervisor.qemu.kernel {tmp_path / 'kernel'} is not there" in found.reason
    assert "initrd" not in found.reason


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "names no hypervisor"),
        ("hypervisor = 1", "names no hypervisor"),
        ("[hypervisor]\nqemu = 1", "names no hypervisor"),
        ("[hypervisor.qemu]\npath = '/bin/sh'\nimage = '/x'", "qemu has no kernel"),
        ("[hypervisor.qemu]\npath = '/bin/sh'\nkernel = '/bin/sh'", "qemu has no initrd"),
        ("[broken", "configuration.toml: "),
        ("\xff", "configuration.toml: "),
    ],
)
def test_configurations_that_are_wrong(
    machine: Path, tmp_path: Path, text: str, words: str
) -> None:
    machine.write_bytes(text.encode("latin-1"))
    assert words in reason(tmp_path, config=str(machine))


def test_no_configuration(machine: Path, tmp_path: Path) -> None:
    assert "no configuration file" in reason(tmp_path)
    assert "No such file" in reason(tmp_path, config="/nowhere")


def test_where_the_configuration_comes_from(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table, containerd's way to say it, the environment; the shim is told by both ways."""
    for options in ({"config": str(machine)}, {"options": {"ConfigPath": str(machine)}}):
        made = driver(tmp_path, **options)
        shim = made.shim()
        assert made.configuration() == str(machine)
        assert shim.options_type == "runtimeoptions.v1.Options"
        told = protobuf.decode(KATA, bytes.fromhex(shim.options))
        assert told["config_path"] == str(machine)
        assert dict(shim.environment) == {"KATA_CONF_FILE": str(machine)}
    silent = driver(tmp_path).shim()
    assert (silent.options_type, silent.environment) == ("", ())
    monkeypatch.setenv("KATA_CONF_FILE", str(machine))
    assert driver(tmp_path).configuration() == str(machine)
    assert dict(driver(tmp_path).shim().environment) == {"KATA_CONF_FILE": str(machine)}
    with pytest.raises(SettingsError, match="BinaryName"):
        driver(tmp_path, options={"BinaryName": "x"}).shim()
