"""`inspect`: the same documents as Debian's skopeo."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from devtools.peers import skopeo
from devtools.registry import Registry

NEWER = {"LayersData"}
"""Keys that skopeo has had only since Debian's version."""


def theirs(*words: str) -> Any:
    return json.loads(skopeo("inspect", *words))


@pytest.mark.parametrize("name", ["busybox", "multi"])
def test_registry(tool: Any, registry: Registry, name: str) -> None:
    place = f"docker://{registry.host}/{name}"
    found = tool.json("inspect", place)
    layers = [item["Digest"] for item in found["LayersData"]]
    assert layers == found["Layers"]
    assert {key: found[key] for key in found if key not in NEWER} == theirs(
        "--tls-verify=false", place
    )
    assert [*found][:3] == ["Name", "Digest", "RepoTags"]


def test_no_tags(tool: Any, registry: Registry) -> None:
    place = f"docker://{registry.host}/busybox:latest"
    assert tool.json("inspect", "--no-tags", place)["RepoTags"] == []


@pytest.mark.parametrize("options", [(), ("--config",)])
def test_layout(tool: Any, image_layout: Path, options: tuple[str, ...]) -> None:
    place = f"oci:{image_layout}:busybox"
    found = tool.json("inspect", *options, place)
    assert {key: found[key] for key in found if key not in NEWER} == theirs(*options, place)


@pytest.mark.parametrize("options", [("--raw",), ("--raw", "--config")])
def test_raw_bytes(tool: Any, image_layout: Path, options: tuple[str, ...]) -> None:
    place = f"oci:{image_layout}:busybox"
    assert tool("inspect", *options, place).stdout == skopeo("inspect", *options, place)


@pytest.mark.parametrize(
    "form", ["{{.Digest}}", "Name: {{.Name}} {{.Architecture}}/{{.Os}}", "{{.Layers}}"]
)
def test_template(tool: Any, registry: Registry, form: str) -> None:
    place = f"docker://{registry.host}/busybox"
    found = tool("inspect", "--format", form, place).stdout
    assert found == skopeo("inspect", "--tls-verify=false", "--format", form, place)


@pytest.mark.parametrize(
    "form",
    [
        "{{.Architecture}} {{.OS}} {{.Author}}",
        "{{.Config.Cmd}} {{.Config.Env}} {{.Config.User}} {{.Config.Labels}}",
        "{{.RootFS.Type}} {{.RootFS.DiffIDs}} {{len .History}}",
        "{{range .History}}{{.CreatedBy}}, {{.EmptyLayer}}{{end}}",
    ],
)
def test_template_of_the_config(tool: Any, image_layout: Path, form: str) -> None:
    words = ("inspect", "--config", "--format", form, f"oci:{image_layout}:busybox")
    assert tool(*words).stdout == skopeo(*words)


def test_line_ends_in_a_template(tool: Any, image_layout: Path) -> None:
    form = r'{{range .Layers}}{{.}}{{"\n"}}{{end}}'
    found = tool("inspect", "--format", form, f"oci:{image_layout}:busybox").stdout
    assert found.startswith("sha256:") and found.count("\n") == 1
    refused = tool.refused("inspect", "--format", r'{{"\x"}}', f"oci:{image_layout}:busybox")
    assert "malformed string" in refused


def test_json_is_the_document(tool: Any, image_layout: Path) -> None:
    place = f"oci:{image_layout}:busybox"
    assert tool.json("inspect", "--format", "json", place) == tool.json("inspect", place)


def test_another_platform(tool: Any, image_layout: Path) -> None:
    place = f"oci:{image_layout}:multi"
    words = ("--override-arch", "arm64", "inspect", place)
    assert tool.json(*words)["Architecture"] == "arm64"
    assert "linux/s390x" in tool.refused("--override-arch", "s390x", "inspect", place)


def test_what_is_not_there(tool: Any, registry: Registry, image_layout: Path) -> None:
    assert "manifest unknown" in tool.refused("inspect", f"docker://{registry.host}/busybox:no")
    assert "image not known" in tool.refused("inspect", f"oci:{image_layout}:no")
    assert "unknown transport" in tool.refused("inspect", "ftp://here/there")
    assert "Known transports: " in tool.refused("inspect", "nothing")


def test_a_closed_pipe_is_no_fault(tool: Any, image_layout: Path) -> None:
    words = ["rundlet-skopeo", "inspect", f"oci:{image_layout}:busybox"]
    with subprocess.Popen(
        words, env=tool.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
