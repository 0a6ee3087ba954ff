"""`rundlet image trust` and `rundlet image sign`, beside Debian's podman."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devtools.gpg import Home
from devtools.peers import Podman
from devtools.registry import Registry

if TYPE_CHECKING:
    from devtools.tool import Rundlet

SCOPE = "example.com/team"


@pytest.fixture
def trust(rundlet: Rundlet, home: Home, tmp_path: Path) -> Rundlet:
    """A tool with a policy file of its own, which is not there yet, and keys in files."""
    (tmp_path / "registries.d").mkdir()
    rundlet.environment.update(
        RUNDLET_POLICY_JSON=f"{tmp_path}/policy.json",
        RUNDLET_REGISTRIES_D=f"{tmp_path}/registries.d",
        GNUPGHOME=home.directory,
    )
    (tmp_path / "one.pub").write_bytes(home.public("one"))
    (tmp_path / "two.pub").write_bytes(home.public("two"))
    return rundlet


def test_set_and_show(trust: Rundlet, podman: Podman, tmp_path: Path) -> None:
    (tmp_path / "registries.d/a.yaml").write_text(
        f"default-docker: {{lookaside: 'file:///d'}}\n"
        f"docker: {{{SCOPE}: {{sigstore: 'https://s'}}}}"
    )
    one, two = f"{tmp_path}/one.pub", f"{tmp_path}/two.pub"
    assert (
        "must be set" in trust("image", "trust", "set", "-t", "reject", SCOPE, check=False).stderr
    )
    trust("image", "trust", "set", "-t", "accept", "default")
    trust("image", "trust", "set", "-f", one, "-f", two, SCOPE)
    trust("image", "trust", "set", "--type", "reject", "docker.io")
    trust("image", "trust", "set", "--type", "sigstoreSigned", "-f", one, f"{SCOPE}/app:1")
    shown = trust("image", "trust", "show").stdout
    assert [line.split() for line in shown.splitlines()] == [
        ["TRANSPORT", "NAME", "TYPE", "ID", "STORE"],
        ["all", "default", "accept", "file:///d"],
        ["repository", "docker.io", "reject", "file:///d"],
        ["repository", SCOPE, "signed", "one@example.com", "https://s"],
        ["repository", SCOPE, "signed", "two@example.com", "https://s"],
        ["repository", f"{SCOPE}/app:1", "sigstoreSigned", "N/A", "https://s"],
    ]
    ours = json.loads(trust("image", "trust", "show", "--json").stdout)
    words = ("--policypath", f"{tmp_path}/policy.json", "--registrypath",
             f"{tmp_path}/registries.d", "--json")  # fmt: skip
    theirs = json.loads(podman("image", "trust", "show", *words).stdout)
    two_keys = [row for row in ours if row["name"] == SCOPE]
    assert [row["gpg_id"] for row in two_keys] == ["one@example.com", "two@example.com"]
    for row in (*ours, *theirs):  # podman runs gpg2, which Debian's gnupg does not bring
        row.pop("gpg_id", None)
    assert ours == theirs
    only = trust("image", "trust", "show", "-n", SCOPE).stdout
    assert len(only.splitlines()) == 3 and "docker.io" not in only
    raw = trust("image", "trust", "show", "--raw").stdout
    assert json.loads(raw) == json.loads((tmp_path / "policy.json").read_text())
    assert (
        "Usage: rundlet image trust [options] COMMAND" in trust("image", "trust", "--help").stdout
    )


def test_what_is_refused(trust: Rundlet, tmp_path: Path) -> None:
    trust("image", "trust", "set", "-t", "reject", "default")
    before = (tmp_path / "policy.json").read_bytes()
    one = f"{tmp_path}/one.pub"
    for words, said in (
        (("-t", "sure", "default"), "invalid choice: sure"),
        (("default",), "at least one public key must be defined for type 'signedBy'"),
        (("-t", "accept", "-f", one, "default"), "1 public keys unexpectedly provided"),
        (("-f", f"{tmp_path}/none", "default"), "does not exist"),
        (("-t", "accept", "docker://x"), "invalid image uri"),
    ):
        done = trust("image", "trust", "set", *words, check=False)
        assert done.returncode == 125 and said in done.stderr, words
    assert (tmp_path / "policy.json").read_bytes() == before
    (tmp_path / "policy.json").write_text("{")
    for words in (("set", "-t", "accept", "default"), ("show",)):
        done = trust("image", "trust", *words, check=False)
        assert done.returncode == 125 and "invalid trust policy" in done.stderr
    assert (tmp_path / "policy.json").read_text() == "{"


def test_sign_where_it_is(trust: Rundlet, home: Home, registry: Registry, tmp_path: Path) -> None:
    """A signature of an index and of its instances; podman and we take the image then."""
    name = f"{registry.host}/multi:latest"
    store = tmp_path / "store"
    (tmp_path / "registries.d/a.yaml").write_text(
        f"default-docker: {{lookaside-staging: 'file://{store}', lookaside: 'file://{store}'}}"
    )
    trust("image", "trust", "set", "-t", "reject", "default")
    trust("image", "trust", "set", "-f", f"{tmp_path}/one.pub", registry.host)
    assert "no signature exists" in trust("pull", "-q", name, check=False).stderr
    words = ("image", "sign", "--sign-by", home.fingerprint("one"))
    trust(*words, "--all", f"docker://{name}")
    assert len(list(store.rglob("signature-1"))) == 2
    trust("pull", "-q", name)
    trust(*words, name)
    trust(*words, name)
    assert len(list(store.rglob("signature-1"))) == 3
    assert len(list(store.rglob("signature-2"))) == 1, "it is added"
    done = subprocess.run(
        ["skopeo", "--policy", f"{tmp_path}/policy.json", "--registries.d",
         f"{tmp_path}/registries.d", "copy", "--all", "--src-tls-verify=false",
         f"docker://{name}", f"dir:{tmp_path}/copy"],
        capture_output=True, text=True, check=False, env={**os.environ},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    trust(*words, "-d", f"{tmp_path}/elsewhere", name)
    assert len(list((tmp_path / "elsewhere").rglob("signature-1"))) == 1
    single = f"{registry.host}/busybox:latest"
    said = trust(*words, "--all", single, check=False).stderr
    assert "is not a multi-architecture image" in said
    assert "no identity provided" in trust("image", "sign", name, check=False).stderr


def test_another_policy_by_podman_6s_name(trust: Rundlet, tmp_path: Path) -> None:
    """--policypath is the older name of the same."""
    other = tmp_path / "other.json"
    other.write_text('{"default": [{"type": "reject"}]}')
    trust("image", "trust", "set", "--signature-policy", str(other), "-t", "accept", "quay.io")
    assert '"quay.io"' in other.read_text()
    for name in ("--signature-policy", "--policypath"):
        shown = trust("image", "trust", "show", "--raw", name, str(other)).stdout
        assert shown.strip() == other.read_text().strip()
