"""The YAML file of `sync --src yaml`."""

from __future__ import annotations

from pathlib import Path

import pytest

from rundlet.core.errors import InvalidArgument, NotFound
from rundlet.skopeo.sync.listing import read

# The file of skopeo-sync(1) in its form.
GOOD = """
registry.example.com:
    images:
        busybox: []
        redis:
            - 1.10
            - "2.0"
        nothing:
    images-by-tag-regex:
        nginx: ^1\\.13\\.[12]-alpine$
    images-by-semver:
        alpine: ">= 3.12.0"
    credentials:
        username: john
        password: this is a secret
    tls-verify: true
    cert-dir: /home/john/certs
quay.io:
    tls-verify: false
    images:
        coreos/etcd:
            - latest
empty.example.com:
"""


def test_what_is_read(tmp_path: Path) -> None:
    file = tmp_path / "sync.yml"
    file.write_text(GOOD)
    first, second, third = read(str(file))
    assert first.host == "registry.example.com"
    assert first.images == {"busybox": (), "redis": ("1.10", "2.0"), "nothing": ()}
    assert first.credentials == ("john", "this is a secret")
    assert (first.tls_verify, first.cert_dir) == (True, "/home/john/certs")
    (nginx, by_regex), (alpine, by_version) = first.chosen
    assert (nginx, alpine) == ("nginx", "alpine")
    assert by_regex("1.13.2-alpine") and not by_regex("1.13.3-alpine")
    assert by_version("3.12.1") and not by_version("3.11.9") and not by_version("latest")
    assert (second.tls_verify, second.images) == (False, {"coreos/etcd": ("latest",)})
    assert third.images == {} and third.tls_verify is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n- b\n", "expected a mapping"),
        ("a: b\n", "a: expected a mapping"),
        ("a:\n  image: {}\n", "a: unknown key image"),
        ("a:\n  images: {b: {c: d}}\n", "a: images: b: expected a list of tags"),
        ("a:\n  images-by-tag-regex: {b: '('}\n", "b: no regular expression"),
        ("a:\n  images-by-semver: {b: what}\n", "b: improper constraint"),
        ("a:\n  tls-verify: maybe\n", "a: tls-verify: expected true or false"),
        ("a:\n  credentials: {user: x}\n", "a: credentials: expected username and password"),
        ("a: [\n", "not YAML"),
        ("a: &x [*x]\n", "not YAML"),
        ("\0", "not YAML"),
        ("[" * 5000, "not YAML"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "sync.yml"
    file.write_text(text)
    with pytest.raises(InvalidArgument, match=message) as error:
        read(str(file))
    assert str(file) in str(error.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="cannot read"):
        read(f"{tmp_path}/nothing.yml")
