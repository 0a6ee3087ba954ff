"""Contexts by the node's policy, and relabelling over an xattr layer of our own.

This machine's kernel has no SELinux: what the file system would do is done by a dictionary.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from rundlet.core.errors import InvalidArgument, NotSupported
from rundlet.core.linux import selinux
from rundlet.core.spec.labels import Labels, labels

LABEL = "system_u:object_r:container_file_t:s0:c1,c2"


class Attributes:
    """security.selinux of files, and what was set. error: what setting gives below `where`."""

    def __init__(self, error: int = 0, where: str = "") -> None:
        self.labels: dict[str, bytes] = {}
        self.set: list[str] = []
        self.tried: list[str] = []
        self.error = error
        self.where = where

    def getxattr(self, path: str, name: str, *, follow_symlinks: bool) -> bytes:
        assert (name, follow_symlinks) == (selinux.XATTR, False)
        if path not in self.labels:
            raise OSError(errno.ENODATA, os.strerror(errno.ENODATA))
        return self.labels[path]

    def setxattr(self, path: str, name: str, value: bytes, *, follow_symlinks: bool) -> None:
        assert (name, follow_symlinks) == (selinux.XATTR, False)
        self.tried.append(path)
        if self.error and path.startswith(self.where):
            raise OSError(self.error, os.strerror(self.error))
        self.labels[path] = value
        self.set.append(path)


def layer(monkeypatch: pytest.MonkeyPatch, error: int = 0, where: str = "") -> Attributes:
    made = Attributes(error, where)
    monkeypatch.setattr(selinux.os, "getxattr", made.getxattr)
    monkeypatch.setattr(selinux.os, "setxattr", made.setxattr)
    return made


def test_a_tree_is_relabelled_but_for_what_has_the_label(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/file").touch()
    (tmp_path / "a/link").symlink_to("/etc/passwd")
    made = layer(monkeypatch)
    made.labels[str(tmp_path / "a/file")] = LABEL.encode() + b"\0"
    selinux.relabel(str(tmp_path / "a"), LABEL)
    assert sorted(made.set) == [str(tmp_path / name) for name in ("a", "a/b", "a/link")]
    assert set(made.labels.values()) == {LABEL.encode() + b"\0"}
    selinux.relabel(str(tmp_path / "a"), LABEL)
    assert len(made.set) == 3, "all have it already"


def test_what_cannot_be_relabelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layer(monkeypatch, errno.EROFS)
    with pytest.raises(NotSupported, match=f"{tmp_path} cannot have the label"):
        selinux.relabel(str(tmp_path), LABEL)
    (tmp_path / "usr").symlink_to("/usr")
    with pytest.raises(InvalidArgument, match="/usr is not allowed"):
        selinux.relabel(str(tmp_path / "usr"), LABEL)


def test_what_keeps_no_labels_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another file system (NFS) in the volume, then one that is the volume."""
    for name in ("nfs/deep", "other"):
        (tmp_path / name).mkdir(parents=True)
    made = layer(monkeypatch, errno.ENOTSUP, str(tmp_path / "nfs"))
    selinux.relabel(str(tmp_path), LABEL)
    assert sorted(made.set) == [str(tmp_path), str(tmp_path / "other")]
    made = layer(monkeypatch, errno.ENOTSUP)
    selinux.relabel(str(tmp_path / "nfs"), LABEL)
    assert made.tried == [str(tmp_path / "nfs")], "what is below it is not even looked at"


def test_labels_of_a_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text("# SELINUXTYPE=mls\nSELINUXTYPE=mine\n")
    (tmp_path / "mine").write_text(
        'process = "system_u:system_r:box_t:s0"\nfile = "system_u:object_r:box_file_t:s0"\n'
    )
    found = selinux.defaults(str(tmp_path / "config"), f"{tmp_path}/{{policy}}")
    assert [str(one) for one in found] == [
        "system_u:system_r:box_t:s0", "system_u:object_r:box_file_t:s0"
    ]  # fmt: skip
    monkeypatch.setattr(selinux, "defaults", lambda: found)
    assert labels(["label=level:s0:c1,c2", "seccomp=unconfined"]) == Labels(
        "system_u:system_r:box_t:s0:c1,c2", "system_u:object_r:box_file_t:s0:c1,c2"
    )
    assert labels(["label=type:spc_t", "label:user:me", "label=filetype:data_t"]) == Labels(
        "me:system_r:spc_t:s0", "system_u:object_r:data_t:s0"
    )
    assert labels(["label=type:spc_t", "label=disable"]) == labels([]) == Labels()
    with pytest.raises(InvalidArgument, match="label=colour:red"):
        labels(["label=colour:red"])
