"""registries.conf: prefixes, mirrors, drop-ins, aliases, short names, and what is wrong in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from rundlet.core.errors import DeniedByPolicy, InvalidArgument, SettingsError
from rundlet.core.images import reference as references
from rundlet.core.images.registries import RegistriesConf
from rundlet.core.images.registries_conf import load
from rundlet.core.images.shortnames import resolve
from rundlet.core.settings import places as settings_places


def read(tmp_path: Path, text: str, **drop_ins: str) -> RegistriesConf:
    """Load a file with this text and its drop-ins, and nothing of this machine's user."""
    file = tmp_path / "registries.conf"
    file.write_text(text)
    directory = tmp_path / "registries.conf.d"
    directory.mkdir(exist_ok=True)
    for name, content in drop_ins.items():
        (directory / f"{name}.conf").write_text(content)
    return load(str(file), {"HOME": str(tmp_path / "home")})


def places(conf: RegistriesConf, name: str) -> list[tuple[str, bool]]:
    return [(str(s.reference), s.insecure) for s in conf.places(references.parse(name))]


def test_a_name_without_an_entry_is_found_where_it_says(tmp_path: Path) -> None:
    assert places(read(tmp_path, ""), "example.com/a:1") == [("example.com/a:1", False)]


def test_location_replaces_the_longest_prefix(tmp_path: Path) -> None:
    conf = read(
        tmp_path,
        """
        [[registry]]
        prefix = "example.com"
        location = "short.example"
        [[registry]]
        prefix = "example.com/team"
        location = "internal.example:5000/mirror/team"
        insecure = true
        """,
    )
    assert places(conf, "example.com/team/tool:1") == [
        ("internal.example:5000/mirror/team/tool:1", True)
    ]
    assert places(conf, "example.com/teamwork:1") == [("short.example/teamwork:1", False)]
    assert places(conf, "example.com.evil/x:1") == [("example.com.evil/x:1", False)]


@pytest.mark.parametrize(
    ("name", "matches"),
    [
        ("a.example.com/x", True),
        ("b.a.example.com:5000/x", False),  # the prefix has no port
        ("example.com/x", False),
        ("evil.com/a.example.com/x", False),
    ],
)
def test_wildcard_prefixes_cover_subdomains_only(tmp_path: Path, name: str, matches: bool) -> None:
    conf = read(tmp_path, '[[registry]]\nprefix = "*.example.com"\ninsecure = true\n')
    expected = matches or name.startswith("b.")  # ":" is a boundary, as "/" is
    assert places(conf, name) == [(name, expected)]


def test_mirrors_come_first_and_may_be_for_digests_or_tags_only(tmp_path: Path) -> None:
    conf = read(
        tmp_path,
        """
        [[registry]]
        location = "docker.io"
        [[registry.mirror]]
        location = "m1.example"
        insecure = true
        [[registry.mirror]]
        location = "m2.example/hub"
        pull-from-mirror = "digest-only"
        [[registry.mirror]]
        location = "m3.example"
        pull-from-mirror = "tag-only"
        """,
    )
    digest = "sha256:" + "a" * 64
    assert places(conf, "alpine:3") == [
        ("m1.example/library/alpine:3", True),
        ("m3.example/library/alpine:3", False),
        ("docker.io/library/alpine:3", False),
    ]
    assert [p[0] for p in places(conf, f"alpine@{digest}")] == [
        f"m1.example/library/alpine@{digest}",
        f"m2.example/hub/library/alpine@{digest}",
        f"docker.io/library/alpine@{digest}",
    ]


def test_blocked_registries_are_refused_by_name(tmp_path: Path) -> None:
    conf = read(tmp_path, '[[registry]]\nlocation = "bad.example"\nblocked = true\n')
    with pytest.raises(DeniedByPolicy, match=r"bad\.example is blocked"):
        places(conf, "bad.example/x")


def test_drop_ins_win_over_the_main_file(tmp_path: Path) -> None:
    conf = read(
        tmp_path,
        'unqualified-search-registries = ["a.example"]\n'
        '[aliases]\n"one" = "a.example/one"\n"two" = "a.example/two"\n',
        b='unqualified-search-registries = ["b.example"]\n[aliases]\n"one" = "b.example/one"\n',
        c='[aliases]\n"two" = ""\n',
    )
    assert conf.search == ("b.example",)
    assert dict(conf.aliases) == {"one": "b.example/one"}
    assert conf.alias_origins["one"].endswith("/b.conf")


def test_files_of_user_administrator_and_vendor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first whole file counts; drop-ins by their names, the first of those of one name."""
    monkeypatch.setattr(settings_places, "SYSTEM", str(tmp_path / "etc"))
    monkeypatch.setattr(settings_places, "VENDOR", str(tmp_path / "usr"))

    def search(**environment: str) -> tuple[str, ...]:
        return load("", {"XDG_CONFIG_HOME": str(tmp_path / "own"), **environment}).search

    def write(path: str) -> str:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'unqualified-search-registries = ["{path}"]')
        return str(file)

    assert search() == ()
    for path in (
        "usr/containers/registries.conf",
        "etc/containers/registries.conf",
        "own/containers/registries.conf",
        "etc/containers/registries.conf.d/1.conf",
        "usr/containers/registries.rootful.conf.d/2.conf",
        "etc/containers/registries.conf.d/2.conf",
        "own/containers/registries.conf.d/2.conf",
        "usr/containers/registries.conf.d/3.conf",
    ):
        write(path)
        assert search() == (path,)
    write("own/containers/registries.conf.d/0.conf")
    assert search() == (path,)
    named = {"CONTAINERS_REGISTRIES_CONF": write("named")}
    assert search(**named) == ("named",)
    assert search(**named, CONTAINERS_REGISTRIES_CONF_OVERRIDE=write("last")) == ("last",)


def test_version_1_is_read(tmp_path: Path) -> None:
    conf = read(
        tmp_path,
        '[registries.search]\nregistries = ["a.example"]\n'
        '[registries.insecure]\nregistries = ["i.example"]\n'
        '[registries.block]\nregistries = ["b.example"]\n',
    )
    assert conf.search == ("a.example",)
    assert places(conf, "i.example/x") == [("i.example/x", True)]
    with pytest.raises(DeniedByPolicy):
        places(conf, "b.example/x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not toml", "cannot read"),
        ('unqualified-search-registries = "docker.io"', "expected a list"),
        ('short-name-mode = "strict"', "expected one of enforcing"),
        ("[[registry]]\ninsecure = true", "neither location nor prefix"),
        ('[[registry]]\nlocation = "a.example"\n[[registry.mirror]]\n', "has no location"),
        ("[[registry]]\nlocation = 1", "expected text"),
        ('[[registry]]\nprefix = "a.*.example"', "prefix"),
        ('[aliases]\n"x" = "y"', "host/repository"),
        ('[aliases]\n"x" = "a.example/y:1"', "without a tag"),
        ('registry = "x"', "expected a list of tables"),
        (
            '[[registry]]\nlocation = "a.example"\npull-from-mirror = "all"',
            "pull-from-mirror is of",
        ),
        (
            '[[registry]]\nlocation = "a.example"\nproxy = "socks5://p.example"',
            "HTTP or HTTPS proxy",
        ),
        (
            '[[registry]]\nlocation = "a.example"\nmirror-by-digest-only = true\n'
            '[[registry.mirror]]\nlocation = "m.example"\npull-from-mirror = "all"\n',
            "its registry mirror-by-digest-only",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_file(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        read(tmp_path, text)
    assert "registries.conf" in caught.value.message


# --- short names


def test_full_names_are_taken_as_they_are(tmp_path: Path) -> None:
    found = resolve("localhost:5000/x", read(tmp_path, ""))
    assert [str(c) for c in found.candidates] == ["localhost:5000/x:latest"]
    assert found.why == ""


def test_an_alias_is_final(tmp_path: Path) -> None:
    conf = read(
        tmp_path,
        'unqualified-search-registries = ["s.example"]\n[aliases]\n"ns/tool" = "a.example/b"\n',
    )
    found = resolve("ns/tool:2", conf)
    assert [str(c) for c in found.candidates] == ["a.example/b:2"]
    assert found.why == f'Resolved "ns/tool" as an alias ({tmp_path}/registries.conf)'


def test_search_registries_are_tried_in_order(tmp_path: Path) -> None:
    conf = read(tmp_path, 'unqualified-search-registries = ["a.example", "docker.io"]\n')
    found = resolve("tool", conf)
    assert [str(c) for c in found.candidates] == [
        "a.example/tool:latest",
        "docker.io/library/tool:latest",
    ]
    assert found.why.startswith('Resolving "tool" using unqualified-search registries')


def test_a_short_name_that_leads_nowhere_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="did not resolve to an alias") as caught:
        resolve("tool", read(tmp_path, ""))
    assert "docker.io/library/tool" in caught.value.remedy


def test_enforcing_does_not_guess_between_registries(tmp_path: Path) -> None:
    conf = read(
        tmp_path,
        'short-name-mode = "enforcing"\nunqualified-search-registries = ["a.example", "b.example"]',
    )
    with pytest.raises(InvalidArgument, match="enforced"):
        resolve("tool", conf)
