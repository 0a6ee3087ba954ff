"""`rundlet system df`, `prune`, `check` and `reset`."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devtools.peers import Podman
from devtools.waiting import kill, until
from rundlet.core.engine import Engine
from rundlet.core.linux.processes import start_time
from rundlet.core.settings.snapshot import Settings

if TYPE_CHECKING:
    from devtools.tool import Rundlet


@pytest.fixture
def filled(rundlet: Rundlet, busybox_archive: Path) -> Rundlet:
    """A store with busybox, a container that ended, a used and an unused volume."""
    rundlet("load", "-q", "-i", str(busybox_archive))
    words = ("--network", "none", "--name", "c", "-v", "used:/data")
    rundlet("run", *words, "busybox", "sh", "-c", "echo 123 > /data/file; echo 1234567 > /own")
    rundlet("volume", "create", "unused")
    rundlet.environment["BUSYBOX"] = str(busybox_archive)
    return rundlet


def root(rundlet: Rundlet) -> Path:
    return rundlet.directory / "root"


def change(rundlet: Rundlet, sql: str, *values: str) -> None:
    """Break the state as no command would."""
    with sqlite3.connect(root(rundlet) / "state.db", isolation_level=None) as database:
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute(sql, values)
    database.close()


# --- df


def test_df_has_podmans_columns(filled: Rundlet, podman: Podman) -> None:
    ours = filled("system", "df").stdout.splitlines()
    theirs = podman("system", "df").stdout.splitlines()
    assert ours[0].split() == theirs[0].split()
    assert [line.split("  ")[0] for line in ours] == [line.split("  ")[0] for line in theirs]
    headings = [line.split() for line in filled("system", "df", "-v").stdout.splitlines()]
    for line in podman("system", "df", "-v").stdout.splitlines():
        assert line.split() in headings


def test_df_counts(filled: Rundlet) -> None:
    form = "{{.Type}}:{{.Total}}:{{.Active}}:{{.RawSize}}"
    lines = filled("system", "df", "--format", form).stdout.splitlines()
    assert lines[0].startswith("Images:1:1:")
    assert lines[1] == "Containers:1:0:8"
    assert re.fullmatch(r"Local Volumes:2:1:\d+", lines[2])
    images, containers, _ = json.loads(filled("system", "df", "--format", "json").stdout)
    assert images["Reclaimable"] == "0B (0%)"
    assert containers["Reclaimable"] == "8B (100%)"


def test_df_tells_shared_from_unique(filled: Rundlet) -> None:
    filled("commit", "-q", "c", "made")
    text = filled("system", "df", "-v").stdout
    (made,) = [line.split() for line in text.splitlines() if line.startswith("localhost/made")]
    assert made[-2:] == ["8B", "0"]


# --- prune


def test_prune_keeps_what_is_wanted(filled: Rundlet) -> None:
    filled("create", "--name", "later", "busybox")
    filled("system", "prune", "-f", "--filter", "label=none")
    done = filled("system", "prune", "-f", "--filter", "name=later", check=False)
    assert (done.returncode, "name is an invalid filter" in done.stderr) == (125, True)
    assert filled("ps", "-aq", "--filter", "name=later").stdout.split() != []
    done = filled("system", "prune", "-f").stdout.splitlines()
    assert done[0] == "Deleted Containers"
    assert re.fullmatch(r"Total reclaimed space: \d+B", done[-1])
    assert filled("ps", "-aq").stdout == ""
    assert filled("images", "-q").stdout != ""  # it has a name
    assert filled("volume", "ls", "-q").stdout.split() == ["unused", "used"]


def test_prune_all(filled: Rundlet) -> None:
    done = filled("system", "prune", "-f", "-a", "--volumes").stdout
    for words in ("Deleted Containers", "Deleted Volumes\nunused\nused", "Deleted Images"):
        assert words in done
    assert filled("images", "-q").stdout == ""
    assert filled("volume", "ls", "-q").stdout == ""


def test_what_interrupted_pulls_fetched(rundlet: Rundlet) -> None:
    """df counts it, and a prune removes it, be there an image to remove or not."""
    engine = Engine(Settings(graph_root=str(root(rundlet)), run_root=str(rundlet.directory / "r")))
    shown = ("system", "df", "--format", "{{.Type}} {{.Size}} {{.Reclaimable}}")
    for prune in (("image", "prune", "-f"), ("system", "prune", "-f")):
        for number in range(2):
            engine.blobs.put_bytes(b"%d" % number * 5000)
        held = rundlet(*shown).stdout
        assert "Images 0B 0B (0%)" in held, "a pull that runs has them"
        engine.leases.release()
        assert "Images 10kB 10kB (100%)" in rundlet(*shown).stdout
        done = rundlet(*prune).stdout
        assert "system" not in prune or done == "Total reclaimed space: 10kB\n"
        assert "Images 0B 0B (0%)" in rundlet(*shown).stdout
        assert rundlet("system", "check").stdout == ""
    engine.close()


def test_caches_of_builds(filled: Rundlet, tmp_path: Path) -> None:
    """`image prune --build-cache` leaves one that a RUN has just now; df counts both."""
    words = ("FROM localhost/busybox", *(f"RUN --mount=type=cache,target=/{name} dd if=/dev/zero"
             f" of=/{name}/f bs=4096 count=1" for name in "cd"))  # fmt: skip
    (tmp_path / "Containerfile").write_text("\n".join(words))
    filled("build", "-q", "--network=none", str(tmp_path))
    shown = ("system", "df", "--format", "{{.Type}} {{.Total}} {{.Active}} {{.Size}}")
    assert "Build Caches 2 0 8.192kB" in filled(*shown).stdout
    kept = min(path for path in (root(filled) / "build/caches").iterdir() if path.is_dir())
    with open(f"{kept}.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        filled("image", "prune", "-f", "--build-cache")
        assert "Build Caches 1 1 4.096kB" in filled(*shown).stdout
    assert kept.name[:12] in filled("system", "df", "-v").stdout
    filled("image", "prune", "-f", "--build-cache")
    assert "Build" not in filled("system", "df").stdout
    filled("system", "reset", "-f")
    assert not (root(filled) / "build").exists()


def test_containers_of_killed_builds(filled: Rundlet, tmp_path: Path) -> None:
    """`system prune --build` and `--external` know a build that still runs."""
    (tmp_path / "Containerfile").write_text("FROM localhost/busybox\nRUN sleep 100\n")
    listed = ("ps", "-q", "--no-trunc", "--filter", "label=io.rundlet.build")
    for words in (("-f", "--build"), ("--external",)):
        build = subprocess.Popen(
            ("rundlet", "build", "-q", "--network=none", str(tmp_path)), env=filled.environment
        )
        running = until(lambda: filled(*listed).stdout.strip())
        filled("system", "prune", *words)
        assert filled(*listed).stdout.strip() == running
        build.kill()
        build.wait()
        done = filled("system", "prune", *words)
        assert (running in done.stdout) == ("--build" in words)
        assert filled(*listed).stdout == ""
    assert filled("system", "prune", "--external", "-a", check=False).returncode == 125


def test_prune_asks(filled: Rundlet) -> None:
    done = subprocess.run(
        ["rundlet", "system", "prune", "--volumes"],
        env=filled.environment, input="n\n", capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "\t- all volumes not used by at least one container\n" in done.stdout
    assert filled("ps", "-aq").stdout != ""


# --- check


def test_a_whole_store_is_whole(filled: Rundlet) -> None:
    filled("run", "-d", "--network", "none", "--name", "runs", "busybox", "sleep", "100")
    assert filled("system", "check").stdout == ""
    assert filled("system", "check", "--repair").stdout == ""
    assert filled("inspect", "-f", "{{.State.Status}}", "runs").stdout == "running\n"


def damage_blob(rundlet: Rundlet) -> None:
    image = rundlet("images", "-q", "--no-trunc").stdout.strip().removeprefix("sha256:")
    (root(rundlet) / "blobs/sha256" / image).write_text("{}")


def lose_layer(rundlet: Rundlet) -> None:
    (layer,) = rundlet("image", "inspect", "-f", "{{.RootFS.Layers}}", "busybox").stdout.split()
    name = layer.strip("[]").removeprefix("sha256:")
    shutil.rmtree(root(rundlet) / "overlay" / name)


def test_a_lost_config_is_told_with_its_image(rundlet: Rundlet, busybox_archive: Path) -> None:
    rundlet("load", "-q", "-i", str(busybox_archive))
    image = rundlet("images", "-q", "--no-trunc").stdout.strip().removeprefix("sha256:")
    (root(rundlet) / "blobs/sha256" / image).unlink()
    said = f"Error: image localhost/busybox:latest {image[:12]} is damaged: blob sha256:{image} "
    for words in (("inspect",), ("history",), ("create",), ("image", "inspect")):
        done = rundlet(*words, "busybox", check=False)
        assert done.stderr.startswith(said), words
        assert "rundlet system check --repair" in done.stderr
    rundlet("load", "-q", "-i", str(busybox_archive))
    rundlet("inspect", "busybox")


@pytest.mark.parametrize("damage", [damage_blob, lose_layer])
def test_a_damaged_image_is_found_and_removed(
    rundlet: Rundlet, busybox_archive: Path, damage: object
) -> None:
    rundlet("load", "-q", "-i", str(busybox_archive))
    damage(rundlet)  # type: ignore[operator]
    done = rundlet("system", "check", check=False)
    assert done.returncode == 125
    assert "localhost/busybox:latest" in done.stdout
    assert "Error: " in done.stderr
    rundlet("system", "check", "--repair")
    assert rundlet("images", "-q").stdout == ""
    rundlet("load", "-q", "-i", str(busybox_archive))
    rundlet("run", "--rm", "--network", "none", "busybox", "true")


def test_a_damaged_container_needs_force(filled: Rundlet) -> None:
    lose_layer(filled)
    done = filled("system", "check", "--repair", check=False)
    assert done.returncode == 125
    assert "localhost/busybox:latest" in done.stdout
    assert filled("ps", "-aq").stdout != ""
    filled("system", "check", "--repair", "--force")
    assert filled("ps", "-aq").stdout == ""
    assert filled("images", "-q").stdout == ""


def test_a_lost_compressed_layer_is_no_loss(
    filled: Rundlet, busybox_archive: Path, tmp_path: Path
) -> None:
    """The image runs without it, and gets it back with the next pull or load."""
    database = sqlite3.connect(root(filled) / "state.db")
    blobs = database.execute("SELECT blob FROM layers WHERE blob IS NOT NULL").fetchall()
    database.close()
    for (digest,) in blobs:
        (root(filled) / "blobs/sha256" / digest.removeprefix("sha256:")).unlink()
    filled("system", "check", "--repair")
    filled("run", "--rm", "--network", "none", "busybox", "true")
    filled("load", "-q", "-i", str(busybox_archive))
    filled("save", "-q", "-o", str(tmp_path / "again.tar"), "busybox")


def test_strays_are_cleared(filled: Rundlet) -> None:
    stray = "ab" * 32
    (root(filled) / "containers" / stray).mkdir()
    (root(filled) / "containers" / stray / "file").touch()
    (root(filled) / "overlay" / stray).mkdir()
    (root(filled) / "overlay" / stray / "diff").mkdir()
    (root(filled) / "blobs/sha256" / stray).write_text("x")
    (root(filled) / "tmp").mkdir(exist_ok=True)
    (root(filled) / "tmp" / "blob-1").write_text("x")
    found = filled("system", "check", "-q", check=False).stdout
    assert found.count(stray) >= 2
    assert "blob-1" in found
    filled("system", "check", "--repair")
    assert filled("system", "check").stdout == ""
    assert list(root(filled).glob(f"**/{stray}")) == []


def test_content_of_no_volume_is_never_taken(filled: Rundlet) -> None:
    stray = root(filled) / "volumes/mine/_data"
    stray.mkdir(parents=True)
    (stray / "precious").write_text("x")
    done = filled("system", "check", "--repair", "--force", check=False)
    assert done.returncode == 125
    assert "rundlet volume create mine" in done.stdout
    filled("volume", "create", "mine")
    assert (stray / "precious").read_text() == "x"
    assert filled("system", "check").stdout == ""


def test_a_database_that_refers_to_nothing(filled: Rundlet) -> None:
    change(filled, "INSERT INTO image_names VALUES ('x/y:z', ?, 0)", "00")
    done = filled("system", "check", check=False)
    assert "refers to images that are not there" in done.stdout


def test_a_killed_monitor_and_container(filled: Rundlet) -> None:
    filled("run", "-d", "--network", "none", "--name", "k", "busybox", "sleep", "100")
    form = "{{.State.Pid}} {{.State.ConmonPid}}"
    pid, monitor = filled("inspect", "-f", form, "k").stdout.split()
    kill(int(monitor), int(pid))
    done = filled("system", "check", check=False)
    assert "(k) ended, and was not cleaned up after" in done.stdout
    filled("system", "check", "--repair")
    assert filled("inspect", "-f", "{{.State.Status}}", "k").stdout == "exited\n"


# --- artifacts


@pytest.fixture
def artifact(rundlet: Rundlet, tmp_path: Path) -> Path:
    """One of 1000 bytes; the directory of its blobs."""
    (tmp_path / "model").write_bytes(b"x" * 1000)
    rundlet("artifact", "add", "localhost/model:1", str(tmp_path / "model"))
    return root(rundlet) / "artifacts/blobs/sha256"


def test_df_counts_artifacts(filled: Rundlet, artifact: Path) -> None:
    mount = "type=artifact,src=localhost/model:1,dst=/model"
    form = "{{.Type}}:{{.Total}}:{{.Active}}:{{.RawSize}}"
    used = sum(path.stat().st_size for path in artifact.iterdir())
    assert filled("system", "df", "--format", form).stdout.endswith(f"\nArtifacts:1:0:{used}\n")
    filled("create", "--mount", mount, "busybox", "true")
    assert filled("system", "df", "--format", form).stdout.endswith(f"\nArtifacts:1:1:{used}\n")
    listed = filled("system", "df", "-v").stdout.splitlines()[-1].split()
    assert (listed[:2], listed[3:]) == (["localhost/model", "1"], ["1kB", "1"])


def test_what_a_killed_add_left_goes(rundlet: Rundlet, artifact: Path, tmp_path: Path) -> None:
    """By a check's repair, a prune, or the next change of an artifact."""
    for clear in (
        ("system", "check", "--repair"),
        ("system", "prune", "-f"),
        ("artifact", "add", "--append", "localhost/model:1", __file__),
    ):
        stray = artifact / ("ab" * 32)
        stray.write_text("x")
        assert str(stray) in rundlet("system", "check", check=False).stdout
        rundlet(*clear)
        assert not stray.exists(), clear
        assert rundlet("system", "check").stdout == ""
    rundlet("artifact", "extract", "--title", "model", "localhost/model:1", str(tmp_path / "out"))


def test_a_damaged_artifact_is_found_and_removed(rundlet: Rundlet, artifact: Path) -> None:
    (blob,) = [path for path in artifact.iterdir() if path.stat().st_size == 1000]
    blob.write_bytes(b"y" * 1000)
    assert rundlet("system", "check", "--quick").stdout == ""
    done = rundlet("system", "check", check=False)
    assert done.returncode == 125 and done.stdout.startswith("artifact localhost/model:1: ")
    rundlet("system", "check", "--repair")
    assert rundlet("artifact", "ls", "-q").stdout == ""
    assert list(artifact.iterdir()) == []


def test_a_damaged_index_of_artifacts_needs_force(rundlet: Rundlet, artifact: Path) -> None:
    """Nobody knows their names any more: they are removed, but not unasked."""
    (root(rundlet) / "artifacts/index.json").write_text("{")
    for words in (("artifact", "ls"), ("system", "df")):
        assert "system check --repair --force" in rundlet(*words, check=False).stderr
    assert rundlet("system", "check", "--repair", check=False).returncode == 125
    assert list(artifact.iterdir())
    rundlet("system", "check", "--repair", "--force")
    assert list(artifact.iterdir()) == []
    rundlet("artifact", "add", "localhost/model:1", str(rundlet.directory / "model"))


# --- reset


def test_reset_leaves_nothing_but_what_is_not_ours(filled: Rundlet) -> None:
    filled("run", "-d", "--network", "none", "--name", "runs", "busybox", "sleep", "100")
    filled("image", "mount", "busybox")
    (filled.directory / "Containerfile").write_text(
        "FROM busybox\nRUN --mount=type=cache,target=/c touch /c/kept\n"
    )
    filled("build", "-q", "--network", "none", str(filled.directory))
    assert (root(filled) / "build").is_dir()
    (root(filled) / "checkpoints").mkdir()  # CRIU is not everywhere
    pid = filled("inspect", "-f", "{{.State.Pid}}", "runs").stdout.strip()
    (root(filled) / "mine").write_text("x")
    filled("system", "reset", "-f")
    assert os.listdir(root(filled)) == ["mine"]
    assert not (filled.directory / "run").exists()
    assert not Path("/proc", pid).exists()
    assert filled("images", "-q").stdout == ""


def test_reset_asks(filled: Rundlet) -> None:
    done = subprocess.run(
        ["rundlet", "system", "reset"],
        env=filled.environment, input="n\n", capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert f'the graphRoot directory: "{root(filled)}"' in done.stdout
    assert filled("images", "-q").stdout != ""


def test_what_runs_ends_though_the_state_is_lost(filled: Rundlet) -> None:
    """By a repair where the state was put aside, by a reset where it is damaged."""
    for verb in (("check", "--repair"), ("reset", "-f")):
        filled("run", "-d", "--network", "none", "--name", "runs", "busybox", "sleep", "100")
        pid = filled("inspect", "-f", "{{.State.Pid}}", "runs").stdout.strip()
        for path in filter(Path.is_file, root(filled).glob("state.db*")):
            path.unlink()
        if verb[0] == "reset":
            (root(filled) / "state.db").write_bytes(b"no database")
        filled("system", *verb, check=False)
        assert not start_time(int(pid))  # init may not have reaped it
        assert not filled.mounts()
        if verb[0] == "check":
            filled("load", "-q", "-i", filled.environment["BUSYBOX"])
    assert not root(filled).exists()


def test_graph_roots_that_share_a_run_root_leave_each_other_alone(filled: Rundlet) -> None:
    """`--root` alone is that."""
    filled("run", "-d", "--network", "none", "--name", "runs", "busybox", "sleep", "100")
    other = (f"--root={filled.directory}/other",)
    assert filled(*other, "system", "check", "--repair").stdout == ""
    filled(*other, "load", "-q", "-i", filled.environment["BUSYBOX"])
    filled(*other, "run", "-d", "--network", "none", "busybox", "sleep", "100")
    assert filled("system", "check").stdout == ""
    filled(*other, "system", "reset", "-f")
    assert not (filled.directory / "other").exists()
    assert filled("exec", "runs", "echo", "alive").stdout == "alive\n"
    filled("rm", "-f", "-t", "0", "runs")
    assert filled("system", "check").stdout == ""
