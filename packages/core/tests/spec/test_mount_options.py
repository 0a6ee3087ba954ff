"""Mount options: one meaning, however it is spelt."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rundlet.core.errors import InvalidArgument, NotSupported
from rundlet.core.spec import mount_options


@pytest.mark.parametrize(
    ("given_options", "expected"),
    [
        ((), {"rw", "rprivate", "rbind"}),
        (("ro",), {"ro", "rprivate", "rbind"}),
        (("readonly",), {"ro", "rprivate", "rbind"}),
        (("readonly=false",), {"rw", "rprivate", "rbind"}),
        (("ro=true",), {"ro", "rprivate", "rbind"}),
        (("rro",), {"rro", "rprivate", "rbind"}),
        (("bind", "slave"), {"rw", "slave", "bind"}),
        (("bind-propagation=rslave",), {"rw", "rslave", "rbind"}),
        (("bind-nonrecursive",), {"rw", "rprivate", "bind"}),
        (("bind-nonrecursive=true",), {"rw", "rprivate", "bind"}),
        (("idmap=uids=0-1-1",), {"rw", "rprivate", "rbind", "idmap=uids=0-1-1"}),
        (("z", "U", "nocopy", "relabel=shared", "chown=true"), {"rw", "rprivate", "rbind"}),
        (("noexec", "nosuid", "nodev"), {"rw", "rprivate", "rbind", "noexec", "nosuid", "nodev"}),
    ],
)
def test_bind(given_options: tuple[str, ...], expected: set[str]) -> None:
    assert set(mount_options.bind("/nowhere", given_options)) == expected


@pytest.mark.parametrize(
    ("given_options", "expected"),
    [
        ((), {"rw", "rprivate", "nosuid", "nodev", "tmpcopyup"}),
        (("ro", "dev"), {"ro", "rprivate", "nosuid", "tmpcopyup"}),
        (("notmpcopyup", "exec"), {"rw", "rprivate", "nosuid", "nodev"}),
        (
            ("tmpfs-size=1k", "tmpfs-mode=1777"),
            {"rw", "rprivate", "nosuid", "nodev", "tmpcopyup", "size=1k", "mode=1777"},
        ),
    ],
)
def test_tmpfs(given_options: tuple[str, ...], expected: set[str]) -> None:
    assert set(mount_options.tmpfs(given_options)) == expected


@pytest.mark.parametrize(
    "options", [("ro", "rw"), ("shared", "rslave"), ("exec", "noexec"), ("x",)]
)
def test_contradictions_and_unknown_words(options: tuple[str, ...]) -> None:
    with pytest.raises(InvalidArgument):
        mount_options.bind("/nowhere", options)


def test_a_host_path_keeps_the_flags_of_its_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    class Found:
        f_flag = os.ST_NOSUID | os.ST_NOEXEC

    monkeypatch.setattr(os, "statvfs", lambda _: Found)
    assert {"nosuid", "noexec"} <= set(mount_options.bind("/x", ()))
    assert "noexec" not in mount_options.bind("/x", ("exec",))


def test_a_volume_is_nosuid_and_nodev_unless_said() -> None:
    assert "nosuid" in mount_options.bind("/nowhere", (), volume=True)
    assert "nosuid" not in mount_options.bind("/nowhere", ("suid",), volume=True)


def test_chown() -> None:
    assert mount_options.wants_chown(("ro", "U"))
    assert mount_options.wants_chown(("chown=true",))
    assert not mount_options.wants_chown(("ro",))


@given(st.lists(st.text(max_size=12), max_size=4))
def test_anything_is_options_or_an_error(options: list[str]) -> None:
    for function in (lambda o: mount_options.bind("/nowhere", o), mount_options.tmpfs):
        try:
            words = function(options)
        except (InvalidArgument, NotSupported):
            continue
        assert len(words) == len(set(words))
