"""Layers that change on their way: with `precompute` what the registry has is not sent again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devtools.lying import LyingRegistry
from devtools.registry import Registry
from rundlet.core import Engine
from rundlet.core.contracts.transport import TransportSettings
from rundlet.core.errors import RundletError
from rundlet.core.images.copy import CopyOptions, copy
from rundlet.core.images.plan import Wishes

if TYPE_CHECKING:
    from rundlet.core.images.descriptor import Descriptor


@pytest.mark.parametrize("precompute", [False, True])
def test_sent_once(
    engine: Engine, registry: Registry, image_layout: Path, tmp_path: Path, precompute: bool
) -> None:
    sent: list[str] = []
    options = CopyOptions(
        wishes=Wishes(compression="zstd", force=True),
        precompute=precompute,
        temporary=str(tmp_path / "temporary"),
    )
    oci, docker = engine.plugins.transport("oci"), engine.plugins.transport("docker")
    settings = TransportSettings(tls_verify=False)
    place = f"//{registry.host}/precompute/{tmp_path.name.lower()}"
    digests = set()
    for tag in ("one", "two"):
        with (
            oci.source(oci.parse(f"{image_layout}:busybox"), settings) as source,
            docker.destination(docker.parse(f"{place}:{tag}"), settings) as target,
        ):
            really = target.put_blob

            def put_blob(blob: Descriptor, stream: Any, really: Any = really) -> Any:
                sent.append(blob.media_type)
                return really(blob, stream)

            target.put_blob = put_blob  # type: ignore[method-assign]
            digests.add(copy(source, target, options).digest)
    assert len(digests) == 1
    assert sum(kind.endswith("+zstd") for kind in sent) == (1 if precompute else 2)
    assert not precompute or not list((tmp_path / "temporary").iterdir())


def test_user_agent_prefix(engine: Engine) -> None:
    """Words in front of ours; what would be a header of its own is none."""
    docker = engine.plugins.transport("docker")
    with LyingRegistry() as registry:
        options = {"user_agent_prefix": "acme/1\r\nX-Evil: 1"}
        settings = TransportSettings(tls_verify=False, options=options, retries=0)
        with (
            pytest.raises(RundletError),
            docker.source(docker.parse(f"//{registry.host}/a:1"), settings) as source,
        ):
            source.manifest()
        agents = [headers["user-agent"] for headers in registry.asked("GET", "/v2/")]
    assert agents
    assert all(agent.startswith("acme/1 X-Evil: 1 rundlet/") for agent in agents)
