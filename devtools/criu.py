"""CRIU for tests: the machine's own where it knows this kernel, else a newer Debian's.

CRIU reads the kernel's own structures (the vDSO and its pages among them), so a release that is
older than the kernel fails at once. A newer one is unpacked, never installed, with its libraries
beside it, and started by a script.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

NEWER = "trixie"
"""The Debian release to take it from."""

_SCRIPT = """\
#!/bin/sh
exec "{root}/usr/lib64/ld-linux-x86-64.so.2" --library-path "{root}/usr/lib/x86_64-linux-gnu" \\
    "{root}/usr/sbin/criu" "$@"
"""


def works(program: str) -> bool:
    """Whether this CRIU knows this kernel."""
    return subprocess.run([program, "check"], capture_output=True, check=False).returncode == 0


def fetch(directory: Path) -> Path:
    """A directory for PATH with a `criu` in it, made below `directory` once.

    Raises RuntimeError with the reason where there is none that works.
    """
    own = shutil.which("criu")
    if own and works(own):
        return Path(own).parent
    if os.uname().machine != "x86_64":
        raise RuntimeError("criu of another release is only tried on x86_64")
    script = directory / "bin/criu"
    if not script.exists():
        shutil.rmtree(directory, ignore_errors=True)
        (directory / "root").mkdir(parents=True)
        _unpack(directory)
        script.parent.mkdir()
        script.write_text(_SCRIPT.format(root=directory / "root"))
        script.chmod(0o755)
    if not works(str(script)):
        raise RuntimeError(f"criu of Debian {NEWER} does not know this kernel")
    return script.parent


def _unpack(directory: Path) -> None:
    archive = directory / "criu.tar"
    words = ["mmdebstrap", "--quiet", "--variant=extract", "--include=criu", NEWER, str(archive)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"Debian {NEWER} cannot be reached: {done.stderr[-500:]}")
    with tarfile.open(archive) as tar:
        wanted = [one for one in tar if one.name.startswith(("./usr/lib", "./usr/sbin/criu"))]
        tar.extractall(directory / "root", wanted, filter="tar")
    archive.unlink()
