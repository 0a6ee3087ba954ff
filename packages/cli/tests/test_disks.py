"""Disks that take no files: read-only, full, out of inodes. Errors name them; nothing is lost."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from devtools.tool import Rundlet


def privately(rundlet: Rundlet, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a mount namespace of its own; $ROOT and $RUN are its roots."""
    roots = {"ROOT": f"{rundlet.directory}/root", "RUN": f"{rundlet.directory}/run"}
    return subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
        env={**rundlet.environment, **roots},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


READ_ONLY = "mount --bind $ROOT $ROOT && mount -o remount,bind,ro $ROOT || exit 1\n"


def test_a_read_only_graph_root(loaded: Rundlet, tmp_path: Path) -> None:
    """What only reads goes on, and the images can be saved; the rest says what is wrong."""
    loaded("run", "--name", "c", "--network", "none", "busybox", "echo", "hi")
    reading = ("ps -a", "images", "inspect c busybox", "info", "system df -v", "logs c", "diff c",
               f"save -q -o {tmp_path}/saved.tar busybox", "volume ls", "system check")  # fmt: skip
    for verb in reading:
        done = privately(loaded, f"{READ_ONLY} rundlet {verb}")
        assert (done.returncode, "Error" in done.stderr) == (0, False), (verb, done.stderr)
    for verb in ("run busybox", "pull docker-archive:saved.tar", "rm c", "volume create v"):
        done = privately(loaded, f"cd {tmp_path}; {READ_ONLY} rundlet {verb}")
        assert done.returncode == 125
        assert f"{tmp_path}/root/state.db: Read-only file system" in done.stderr, verb
    loaded("load", "-q", "-i", f"{tmp_path}/saved.tar")
    assert loaded("start", "-a", "c").stdout == "hi\n"


# A disk on which the store is, and what fills it up.
SMALL = """
cp -a $ROOT $ROOT.kept && mount -t tmpfs -o size=24m,nr_inodes=1500 none $ROOT || exit 1
cp -a $ROOT.kept/. $ROOT
"""
FULL = {
    "bytes": "head -c 64M /dev/zero >> $ROOT/fill 2>&-",
    "inodes": "mkdir -p $ROOT/fill; sh -c 'while :> $ROOT/fill/$((i+=1)); do :; done' 2>&-",
}


@pytest.mark.parametrize("what", FULL)
def test_a_full_graph_root(loaded: Rundlet, what: str) -> None:
    """Without a free byte or inode one can look at what is there, and remove it; when what was
    kept for that is used up, too, still look.
    """
    script = f"""{SMALL}
        rundlet create --name c --network none busybox >/dev/null
        {FULL[what]}
        rundlet ps -a --format json | grep -q Created && rundlet rm c
        rm -r $ROOT/state.db-*
        {FULL[what]}
        rundlet images -q && rundlet system df >/dev/null && rundlet volume create v
        rm -r $ROOT/fill
        rundlet run --rm --network none busybox echo again && rundlet system check
    """
    done = privately(loaded, script)
    removed, image, again = done.stdout.splitlines()
    assert (removed, len(image), again) == ("c", 12, "again")
    assert f"no space left for the state file {loaded.directory}/root/state.db" in done.stderr
    assert done.stderr.count("Error") == 1


@pytest.mark.parametrize("what", FULL)
def test_a_full_run_root(loaded: Rundlet, what: str) -> None:
    """What runs can be stopped and removed there; starts name the disk, and leave nothing.

    Locks are files: where no inode is left, some have to be freed first.
    """
    script = f"""
        mkdir $RUN && mount -t tmpfs -o size=8m,nr_inodes=500 none $RUN || exit 1
        for name in stopped removed; do
            rundlet run -d --name $name --network none busybox sleep 1000 >/dev/null
        done
        {FULL[what].replace("$ROOT", "$RUN")}
        rundlet exec stopped true
        rm -f $RUN/fill/?
        rundlet run --rm --network none busybox true
        rundlet stop -t 0 stopped && rundlet rm -f -t 0 removed && rundlet ps -aq | wc -l
        rm -r $RUN/fill
        rundlet start stopped && rundlet exec stopped echo again && rundlet rm -f -t 0 stopped
        rundlet system check
    """
    done = privately(loaded, script)
    assert done.stdout.split() == ["stopped", "removed", "1", "stopped", "again", "stopped"], done
    failed = [line for line in done.stderr.splitlines() if line.startswith("Error")]
    assert all("No space left on device" in line for line in failed)
    assert str(loaded.directory / "run") in failed[0]
    assert "WARN" not in done.stderr
