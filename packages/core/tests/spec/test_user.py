"""Users are looked up in the image, and only there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rundlet.core.errors import InvalidArgument
from rundlet.core.spec.rootfs import open_beneath, read_text
from rundlet.core.spec.user import User, lookup


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    (tmp_path / "passwd").write_text("thief:x:0:0::/:/bin/sh\n")
    return tmp_path


@pytest.fixture
def root(outside: Path) -> Path:
    made = outside / "root"
    (made / "etc").mkdir(parents=True)
    return made


@pytest.mark.parametrize("target", ["../../passwd", "/../passwd", "../../../../../../../passwd"])
def test_links_cannot_leave_the_root(root: Path, target: str) -> None:
    (root / "etc/passwd").symlink_to(target)
    assert read_text(str(root), "/etc/passwd") == ""


def test_an_absolute_link_counts_from_the_root(root: Path, outside: Path) -> None:
    (root / "etc/passwd").symlink_to(f"{outside}/passwd")
    with pytest.raises(InvalidArgument, match="unable to find user thief"):
        lookup(str(root), "thief")
    (root / "usr").mkdir()
    (root / "usr/passwd").write_text("inside:x:5:6::/in:/bin/sh\n")
    (root / "etc/passwd").unlink()
    (root / "etc/passwd").symlink_to("/usr/passwd")
    assert lookup(str(root), "inside") == User(5, 6, (6,), "/in")


def test_a_linked_directory_counts_from_the_root(root: Path) -> None:
    (root / "etc").rmdir()
    (root / "etc").symlink_to("/../..")
    (root / "passwd").write_text("inside:x:5:6::/in:/bin/sh\n")
    assert lookup(str(root), "inside").uid == 5


def test_a_loop_is_an_error(root: Path) -> None:
    (root / "etc/passwd").symlink_to("passwd")
    with pytest.raises(InvalidArgument, match="symbolic links"):
        lookup(str(root), "x")


def test_a_pipe_does_not_block(root: Path) -> None:
    os.mkfifo(root / "etc/passwd")
    assert lookup(str(root), "") == User(0, 0, (0,), "/")


def test_without_a_passwd_there_are_numbers(root: Path) -> None:
    assert lookup(str(root), "12:34") == User(12, 34, (34,), "/")
    assert lookup(str(root), "") == User(0, 0, (0,), "/")
    assert open_beneath(str(root), "/etc") >= -1
    assert open_beneath(str(root), "/no/such") == -1


def test_root_of_the_image(root: Path) -> None:
    (root / "etc/passwd").write_text("root:x:0:7::/roothome:/bin/sh\n")
    (root / "etc/group").write_text("extra:x:9:root\n")
    assert lookup(str(root), "") == User(0, 7, (7, 9), "/roothome")


@given(passwd=st.text(), group=st.text(), user=st.text(max_size=20))
def test_nonsense_never_breaks_the_lookup(
    tmp_path_factory: pytest.TempPathFactory, passwd: str, group: str, user: str
) -> None:
    made = tmp_path_factory.mktemp("root")
    (made / "etc").mkdir()
    (made / "etc/passwd").write_text(passwd, errors="surrogatepass")
    (made / "etc/group").write_text(group, errors="surrogatepass")
    try:
        found = lookup(str(made), user)
    except InvalidArgument:
        return
    assert 0 <= found.uid < 1 << 32
    assert 0 <= found.gid < 1 << 32


def test_memberships_of_the_image_by_the_cri_policies(root: Path) -> None:
    (root / "etc/passwd").write_text("web:x:5:6::/web:/bin/sh\n")
    (root / "etc/group").write_text("web:x:6:\nextra:x:50000:web\n")
    assert lookup(str(root), "5", ("7",), "merge").groups == (6, 50000, 7)
    assert lookup(str(root), "5:8", ("7",), "merge").groups == (8, 50000, 7)
    assert lookup(str(root), "5:8", ("7",)).groups == (8, 7), "podman's rule"
    assert lookup(str(root), "5", ("7",), "strict").groups == (6, 7)
    assert lookup(str(root), "5:8", ("7",), "strict").groups == (8, 7)
