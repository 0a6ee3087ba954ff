"""registries.conf and the files beside it, end to end: what is asked of which registry."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devtools.certificates import Authority
from devtools.fixtures import needs
from devtools.lying import Exchange, LyingRegistry
from devtools.registry import Registry
from rundlet.core import Engine
from rundlet.core.contracts.transport import Platform, TransportSettings
from rundlet.core.errors import DeniedByPolicy, InvalidArgument, NoSuchImage, RegistryError
from rundlet.core.images.progress import Progress


class Told(Progress):
    """Keeps the messages."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def other() -> Iterator[LyingRegistry]:
    with LyingRegistry() as registry:
        yield registry


def configure(engine: Engine, text: str, **drop_ins: str) -> None:
    """Write the engine's registries.conf and its drop-ins."""
    main = Path(engine.settings.registries_conf)
    main.write_text(text)
    directory = Path(f"{main}.d")
    directory.mkdir(exist_ok=True)
    for name, content in drop_ins.items():
        (directory / f"{name}.conf").write_text(content)


# --- short names


def test_a_short_name_is_searched_for_in_order(
    engine: Engine, served: Any, lying: LyingRegistry, other: LyingRegistry, told: Told
) -> None:
    configure(engine, f'unqualified-search-registries = ["{other.host}", "{lying.host}"]\n')
    image = engine.images.pull("team/tool:1", progress=told)
    assert image.names == (served.name,)
    assert other.asked("GET", "/v2/team/tool/manifests/1")
    assert told.messages[:3] == [
        f'Resolving "team/tool" using unqualified-search registries'
        f" ({engine.settings.registries_conf})",
        f"Trying to pull {other.host}/team/tool:1...",
        f"Trying to pull {served.name}...",
    ]


def test_a_short_name_that_nobody_has(
    engine: Engine, lying: LyingRegistry, other: LyingRegistry
) -> None:
    configure(engine, f'unqualified-search-registries = ["{other.host}", "{lying.host}"]\n')
    with pytest.raises(NoSuchImage, match="2 errors occurred while pulling nothing") as caught:
        engine.images.pull("nothing")
    assert other.host in caught.value.message
    assert lying.host in caught.value.message


def test_a_short_name_without_search_registries(engine: Engine) -> None:
    with pytest.raises(InvalidArgument, match="did not resolve to an alias") as caught:
        engine.images.pull("nothing")
    assert "docker.io/library/nothing" in caught.value.remedy


def test_an_alias_of_a_drop_in(
    engine: Engine, served: Any, lying: LyingRegistry, other: LyingRegistry, told: Told
) -> None:
    configure(
        engine,
        f'unqualified-search-registries = ["{other.host}"]\n',
        aliases=f'[aliases]\n"tool" = "{lying.host}/team/tool"\n',
    )
    assert engine.images.pull("tool:1", progress=told).names == (served.name,)
    assert told.messages[0].startswith('Resolved "tool" as an alias (')
    assert not other.requests


def test_an_alias_means_the_image_that_is_here(
    engine: Engine, served: Any, lying: LyingRegistry
) -> None:
    """Its name may end in quite another word; it was pulled anew by each `run` before."""
    configure(engine, f'[aliases]\n"hammer" = "{lying.host}/team/tool"\n')
    pulled = engine.images.pull("hammer:1")
    asked = len(lying.requests)
    assert engine.images.pull("hammer:1", policy="missing").id == pulled.id
    assert len(lying.requests) == asked
    assert engine.images.find("hammer:2") is None


def test_another_platform_than_asked_for_is_said(
    engine: Engine, served: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    engine.images.pull(served.name)
    assert capfd.readouterr().err == ""
    engine.images.pull(served.name, platform=Platform("linux", "s390x"))
    expected = "does not match the expected platform (linux/s390x)"
    assert expected in capfd.readouterr().err


def test_enforcing_mode_does_not_guess(
    engine: Engine, lying: LyingRegistry, other: LyingRegistry
) -> None:
    configure(
        engine,
        f'short-name-mode = "enforcing"\n'
        f'unqualified-search-registries = ["{other.host}", "{lying.host}"]\n',
    )
    with pytest.raises(InvalidArgument, match="enforced"):
        engine.images.pull("tool")
    assert not lying.requests and not other.requests
    engine.settings = engine.settings.replace(short_name_mode="disabled")  # crio.conf's word
    with pytest.raises(NoSuchImage, match="2 errors"):
        engine.images.pull("tool")


# --- mirrors


def mirrored(engine: Engine, lying: LyingRegistry, other: LyingRegistry, more: str = "") -> None:
    configure(
        engine,
        f'[[registry]]\nlocation = "{lying.host}"\n'
        f'[[registry.mirror]]\nlocation = "{other.host}/mirror"\n{more}',
    )


def copied(lying: LyingRegistry, other: LyingRegistry) -> None:
    """What the mirror has of the registry."""
    other.blobs = dict(lying.blobs)
    for (repository, tag), manifest in lying.manifests.items():
        other.manifests[f"mirror/{repository}", tag] = manifest


def test_a_mirror_is_asked_first_and_the_name_stays(
    engine: Engine, served: Any, lying: LyingRegistry, other: LyingRegistry
) -> None:
    copied(lying, other)
    mirrored(engine, lying, other)
    assert engine.images.pull(served.name).names == (served.name,)
    assert other.asked("GET", "/v2/mirror/team/tool/blobs/")
    assert not lying.requests


@pytest.mark.parametrize("failure", ["lacks it", "is broken", "is gone"])
def test_the_registry_stands_in_for_a_mirror_that(
    engine: Engine,
    served: Any,
    lying: LyingRegistry,
    other: LyingRegistry,
    impatient: TransportSettings,
    failure: str,
) -> None:
    mirrored(engine, lying, other)
    if failure == "is broken":
        other.behave = lambda exchange: exchange.answer(500)
    elif failure == "is gone":
        other.behave = lambda exchange: exchange.hang_up()
    engine.images.pull(served.name, settings=impatient)
    assert lying.asked("GET", "/blobs/")


def test_a_mirror_that_breaks_off_is_gone_on_from_at_the_registry(
    engine: Engine, served: Any, lying: LyingRegistry, other: LyingRegistry, impatient: Any
) -> None:
    copied(lying, other)
    mirrored(engine, lying, other)
    broken = served.layers[1]

    def behave(exchange: Exchange) -> bool:
        if broken not in exchange.path:
            return False
        if "range" in exchange.headers:
            return exchange.answer(503)
        return exchange.cut(200, other.blobs[broken], 200_000)

    other.behave = behave
    engine.images.pull(served.name, settings=impatient)
    (asked,) = lying.asked("GET", broken)
    assert asked["range"] == "bytes=200000-"


def test_a_mirror_for_digests_only(
    engine: Engine, served: Any, lying: LyingRegistry, other: LyingRegistry
) -> None:
    copied(lying, other)
    mirrored(engine, lying, other, 'pull-from-mirror = "digest-only"\n')
    engine.images.pull(served.name)
    assert not other.requests
    engine.images.pull(f"{lying.host}/team/tool@{served.digest}")
    assert other.asked("GET", f"/manifests/{served.digest}")


def test_pushing_goes_to_the_registry_itself(
    engine: Engine, served: Any, lying: LyingRegistry, other: LyingRegistry
) -> None:
    copied(lying, other)
    mirrored(engine, lying, other)
    engine.images.pull(served.name)
    other.requests.clear()
    lying.behave = lambda exchange: exchange.method == "HEAD" and exchange.answer(200)
    engine.images.push(served.name)
    assert lying.asked("PUT", "/manifests/1")
    assert not other.requests


def test_pushing_is_not_led_elsewhere(
    engine: Engine, served: Any, lying: LyingRegistry, other: LyingRegistry
) -> None:
    """`location` is of reading an image alone, as with podman."""
    conf = Path(engine.settings.registries_conf)
    conf.write_text(
        f'[[registry]]\nprefix = "{other.host}"\nlocation = "{lying.host}"\ninsecure = true\n'
    )
    name = served.name.replace(lying.host, other.host)
    engine.images.pull(name)
    assert lying.asked("GET", "/manifests/1")
    lying.requests.clear()
    answers = {"HEAD": 200, "PUT": 201}
    other.behave = lambda exchange: (
        exchange.method in answers and exchange.answer(answers[exchange.method])
    )
    engine.images.push(name)
    assert other.asked("PUT", "/manifests/1")
    assert not lying.requests


def test_credentials_given_for_the_registry_do_not_reach_its_mirrors(
    engine: Engine, served: Any, lying: LyingRegistry, other: LyingRegistry
) -> None:
    def guarded(exchange: Exchange) -> bool:
        if "authorization" in exchange.headers:
            return False
        return exchange.answer(401, b"", {"WWW-Authenticate": 'Basic realm="x"'})

    copied(lying, other)
    mirrored(engine, lying, other)
    lying.behave = other.behave = guarded
    engine.images.pull(served.name, settings=TransportSettings(credentials=("me", "secret")))
    assert other.requests
    assert not any("authorization" in headers for _, _, headers in other.requests)
    assert any("authorization" in headers for _, _, headers in lying.requests)


# --- prefixes


@pytest.mark.parametrize(
    ("prefix", "location", "name"),
    [
        ("example.com", "{host}", "example.com/team/tool:1"),
        ("example.com/inner", "{host}/team", "example.com/inner/tool:1"),
        ("example.com/any/thing", "{host}/team/tool", "example.com/any/thing:1"),
        ("*.example.com", "{host}", "images.example.com/team/tool:1"),
        ("*.example.com", "{host}", "a.b.example.com/team/tool:1"),
    ],
)
def test_a_prefix_leads_elsewhere_and_the_name_stays(
    engine: Engine, served: Any, lying: LyingRegistry, prefix: str, location: str, name: str
) -> None:
    where = location.format(host=lying.host)
    configure(engine, f'[[registry]]\nprefix = "{prefix}"\nlocation = "{where}"\n')
    assert engine.images.pull(name).names == (name,)
    assert lying.asked("GET", "/v2/team/tool/manifests/1")


def test_the_longest_prefix_counts(engine: Engine, served: Any, lying: LyingRegistry) -> None:
    configure(
        engine,
        '[[registry]]\nprefix = "*.example.com"\nblocked = true\n',
        b=f'[[registry]]\nprefix = "good.example.com"\nlocation = "{lying.host}"\n',
    )
    assert engine.images.pull("good.example.com/team/tool:1")
    with pytest.raises(DeniedByPolicy, match="blocked"):
        engine.images.pull("bad.example.com/team/tool:1")


def test_a_blocked_registry_is_asked_for_nothing(
    engine: Engine, served: Any, lying: LyingRegistry
) -> None:
    configure(engine, f'[[registry]]\nlocation = "{lying.host}"\nblocked = true\n')
    with pytest.raises(DeniedByPolicy, match=f"{lying.host} is blocked"):
        engine.images.pull(served.name)
    assert not lying.requests


# --- trust


@pytest.fixture(scope="module")
def unverified(tmp_path_factory: pytest.TempPathFactory, image_layout: Path) -> Iterator[Registry]:
    """A registry whose authority nobody knows."""
    needs("docker-registry", "skopeo", "openssl")
    directory = tmp_path_factory.mktemp("unverified")
    with Registry(directory, tls=Authority(directory / "ca").issue("server")) as registry:
        subprocess.run(
            ["skopeo", "--insecure-policy", "copy", "-q", "--dest-tls-verify=false",
             f"oci:{image_layout}:busybox", f"docker://{registry.host}/busybox:latest"],
            check=True,
        )  # fmt: skip
        yield registry


def test_insecure(engine: Engine, unverified: Registry) -> None:
    name = f"{unverified.host}/busybox"
    with pytest.raises(RegistryError, match="not trusted"):
        engine.images.pull(name)
    configure(engine, f'[[registry]]\nlocation = "{unverified.host}"\ninsecure = true\n')
    with pytest.raises(RegistryError, match="not trusted"):  # the flag is stronger
        engine.images.pull(name, settings=TransportSettings(tls_verify=True))
    assert engine.images.pull(name)


def test_an_insecure_mirror_does_not_make_the_registry_so(
    engine: Engine, unverified: Registry, lying: LyingRegistry
) -> None:
    configure(
        engine,
        f'[[registry]]\nlocation = "{unverified.host}"\n'
        f'[[registry.mirror]]\nlocation = "{lying.host}"\ninsecure = true\n',
    )
    with pytest.raises(RegistryError, match="not trusted"):
        engine.images.pull(f"{unverified.host}/busybox")
    assert lying.requests


# --- credential helpers of registries.conf


def test_credential_helpers_are_asked_in_order(
    engine: Engine,
    served: Any,
    lying: LyingRegistry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = tmp_path / "bin/docker-credential-shelf"
    program.parent.mkdir()
    program.write_text("""#!/bin/sh\necho '{"Username":"shelf","Secret":"secret"}'\n""")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    file = tmp_path / "auth.json"
    file.write_text(json.dumps({"auths": {lying.host: {"auth": "ZmlsZTpzZWNyZXQ="}}}))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(file))
    users = {"c2hlbGY6c2VjcmV0": "shelf", "ZmlsZTpzZWNyZXQ=": "file"}
    seen: list[str] = []

    def guarded(exchange: Exchange) -> bool:
        header = exchange.headers.get("authorization", "")
        if not header:
            return exchange.answer(401, b"", {"WWW-Authenticate": 'Basic realm="x"'})
        seen.append(users[header.removeprefix("Basic ")])
        return False

    lying.behave = guarded
    for order in (["shelf", "containers-auth.json"], ["containers-auth.json", "shelf"]):
        configure(engine, f"credential-helpers = {json.dumps(order)}\n")
        seen.clear()
        engine.images.pull(served.name)
        assert set(seen) == {"shelf" if order[0] == "shelf" else "file"}
