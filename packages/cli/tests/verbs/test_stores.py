"""--volumepath and --transient-store."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from devtools.tool import Rundlet


def test_volumes_are_kept_where_it_says(
    rundlet: Rundlet, busybox_archive: Path, tmp_path: Path
) -> None:
    place = tmp_path / "elsewhere"
    rundlet("load", "-q", "-i", str(busybox_archive))
    words = ("--volumepath", str(place))
    rundlet(*words, "volume", "create", "--opt", "type=tmpfs", "--opt", "device=tmpfs", "t")
    mounts = ("-v", "v:/v", "-v", "t:/t")
    rundlet(*words, "run", "-d", "--name=c", "--network=none", *mounts, "busybox",
            "sh", "-c", "touch /v/a /t/b; sleep 100")  # fmt: skip
    rundlet("exec", "c", "sh", "-c", "until [ -e /t/b ]; do sleep 0.05; done")
    assert (place / "v/_data/a").exists()
    rundlet("kill", "c")
    rundlet("wait", "c")
    rundlet(*words, "rm", "-f", "c")
    assert not [line for line in rundlet.mounts() if "elsewhere" in line]
    assert rundlet(*words, "system", "check").stdout == ""
    assert not (tmp_path / "root/volumes").exists()


def test_containers_of_a_transient_store_end_with_the_boot(
    rundlet: Rundlet, busybox_archive: Path
) -> None:
    rundlet("load", "-q", "-i", str(busybox_archive))
    rundlet("create", "--network=none", "--name", "kept", "busybox")
    words = ("--network=none", "--name", "gone", "-v", "/a", "busybox")
    rundlet("--transient-store", "create", *words)
    assert rundlet("--transient-store", "ps", "-aq").stdout.count("\n") == 2
    database = sqlite3.connect(rundlet.directory / "root/state.db")
    with database:
        database.execute("UPDATE containers SET boot = 'another'")
    database.close()
    names = ("ps", "-a", "--format", "{{.Names}}")
    assert rundlet("--transient-store", *names).stdout == "kept\n"
    assert rundlet("volume", "ls", "-q").stdout == ""
    assert rundlet("system", "check").stdout == ""


def test_a_storage_driver_that_is_not_there(rundlet: Rundlet, tmp_path: Path) -> None:
    """Also for a verb that reads only the state: its list would be of another store."""
    done = rundlet("--storage-driver", "bogus", "images", check=False)
    assert (done.returncode, "overlay, vfs" in done.stderr) == (125, True), done.stdout
    conf, toml = tmp_path / "storage.conf", tmp_path / "rundlet.toml"
    conf.write_text('[storage]\ndriver = "nosuch"\n')
    rundlet.environment["CONTAINERS_STORAGE_CONF"] = str(conf)
    _refused(rundlet, f"{conf}: storage.driver: there is no storage driver 'nosuch'")
    assert rundlet("--storage-driver", "vfs", "ps").returncode == 0
    toml.write_text('storage_driver = "none"\n')
    rundlet.environment["RUNDLET_CONF"] = str(toml)
    _refused(rundlet, f"{toml}: storage_driver: there is no storage driver 'none'")
    rundlet.environment["STORAGE_DRIVER"] = "odd"
    _refused(rundlet, "STORAGE_DRIVER: there is no storage driver 'odd'")
    rundlet.environment["STORAGE_DRIVER"] = "overlay"
    assert rundlet("ps").returncode == 0


def test_storage_options_of_the_environment(rundlet: Rundlet, busybox_archive: Path) -> None:
    rundlet("load", "-q", "-i", str(busybox_archive))
    rundlet.environment["STORAGE_OPTS"] = "overlay.mountopt=nodev"
    rundlet("run", "-d", "--network=none", "busybox", "sleep", "100")
    assert [line for line in rundlet.mounts() if "/merged overlay rw,nodev" in line]
    rundlet.environment["STORAGE_OPTS"] = "overlay.mount_program=/bin/false"
    said = rundlet("create", "busybox").stderr
    assert (
        said == "WARN[0000] storage option overlay.mount_program has no effect: the kernel mounts\n"
    )
    rundlet.environment["STORAGE_OPTS"] = "mountopts=nodev"
    _refused(rundlet, "overlay: unknown option 'mountopts'")
    rundlet.environment["STORAGE_OPTS"] = "overlay.mountopt=bogus"
    done = rundlet("run", "--network=none", "busybox", check=False)
    said = "Error: storage option overlay.mountopt: unknown word 'bogus'\nKnown: "
    assert done.stderr.startswith(said), done.stderr
    del rundlet.environment["STORAGE_OPTS"]


def test_another_machine_is_not_this_one(rundlet: Rundlet) -> None:
    rundlet.environment["CONTAINER_HOST"] = "ssh://there"
    _refused(rundlet, "CONTAINER_HOST: remote connections are not supported")
    assert rundlet("--remote=false", "ps").returncode == 0


def _refused(rundlet: Rundlet, says: str) -> None:
    done = rundlet("ps", check=False)
    assert (done.returncode, says in done.stderr) == (125, True), done.stderr
