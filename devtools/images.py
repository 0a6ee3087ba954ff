"""Images made on this machine from Debian packages, written as OCI layouts.

A layout here is a directory with `oci-layout`, `index.json` and `blobs/sha256/`
(image-spec image-layout.md) holding one or more images, each under a tag.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BUSYBOX = "/bin/busybox"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
EPOCH = 1_700_000_000
"""Time of every file in these images: digests do not change from run to run."""


@dataclass
class Member:
    """One entry of a layer: a file with content, a directory (no content), or a link."""

    path: str
    content: bytes | None = None
    mode: int = 0o755
    link: str = ""


@dataclass
class ImageRecipe:
    """An image to be written: layers (tar bytes, not compressed) and its `config` object."""

    layers: list[bytes]
    config: dict[str, Any] = field(default_factory=dict)
    architecture: str = "amd64"


def layer(members: list[Member]) -> bytes:
    """A layer tar of these members, owned by root."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member in members:
            info = tarfile.TarInfo(member.path)
            info.mode = member.mode
            info.mtime = EPOCH
            if member.link:
                info.type, info.linkname = tarfile.SYMTYPE, member.link
                archive.addfile(info)
            elif member.content is None:
                info.type = tarfile.DIRTYPE
                archive.addfile(info)
            else:
                info.size = len(member.content)
                archive.addfile(info, io.BytesIO(member.content))
    return out.getvalue()


def busybox() -> ImageRecipe:
    """busybox-static with all its applets, /etc/passwd with root and nobody, CMD sh. 2 MB."""
    applets = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True)
    members = [
        *(Member(path, mode=0o755) for path in ("bin", "etc", "home", "root", "usr", "var")),
        Member("tmp", mode=0o1777),
        Member("bin/busybox", Path(BUSYBOX).read_bytes()),
        *(
            Member(f"bin/{name}", link="busybox")
            for name in applets.stdout.split()
            if name != "busybox"
        ),
        Member(
            "etc/passwd",
            b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n",
            mode=0o644,
        ),
        Member("etc/group", b"root:x:0:\nnogroup:x:65534:\n", mode=0o644),
    ]
    environment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    return ImageRecipe([layer(members)], {"Cmd": ["sh"], "Env": environment})


NGINX_INDEX = b"<!DOCTYPE html>\n<title>Welcome to nginx!</title>\n<h1>Welcome to nginx!</h1>\n"


def nginx(scratch: Path) -> ImageRecipe:
    """Debian's nginx-light with its libraries, logging to stdout and stderr. About 32 MB.

    mmdebstrap extracts the packages without running their scripts; the second layer
    is what the scripts and an administrator would have made.
    """
    root = scratch / "nginx.tar"
    subprocess.run(
        [
            "mmdebstrap",
            "--quiet",
            "--variant=extract",
            "--include=nginx-light",
            suite(),
            str(root),
        ],
        check=True,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH)},
    )
    configured = layer(
        [
            Member(
                "etc/passwd",
                b"root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33:www-data:/var/www:/bin/false\n",
                mode=0o644,
            ),
            Member("etc/group", b"root:x:0:\nwww-data:x:33:\n", mode=0o644),
            Member("var/www/html/index.html", NGINX_INDEX, mode=0o644),
            Member("var/log/nginx/access.log", link="/dev/stdout"),
            Member("var/log/nginx/error.log", link="/dev/stderr"),
            Member("etc/nginx/sites-enabled/default", link="/etc/nginx/sites-available/default"),
        ]
    )
    return ImageRecipe(
        [root.read_bytes(), configured],
        {
            "Cmd": ["nginx", "-g", "daemon off;"],
            "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
            "ExposedPorts": {"80/tcp": {}},
            "StopSignal": "SIGQUIT",
        },
    )


def debian(scratch: Path) -> ImageRecipe:
    """Debian with apt, its packages configured: the release of this machine. About 160 MB."""
    root = scratch / "debian.tar"
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=apt", suite(), str(root)],
        check=True,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH)},
    )
    environment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    return ImageRecipe([root.read_bytes()], {"Cmd": ["bash"], "Env": environment})


def suite() -> str:
    """The release of this machine, for mmdebstrap."""
    for line in Path("/etc/os-release").read_text().splitlines():
        key, _, value = line.partition("=")
        if key == "VERSION_CODENAME":
            return value.strip('"')
    return "bookworm"


class Layout:
    """An OCI layout being written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._manifests: list[dict[str, Any]] = []
        (path / "blobs/sha256").mkdir(parents=True, exist_ok=True)
        (path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')

    def add(self, tag: str, recipe: ImageRecipe) -> str:
        """Write an image under a tag; returns the digest of its manifest."""
        return self._tag(tag, self._image(recipe))

    def add_index(self, tag: str, recipes: list[ImageRecipe]) -> str:
        """Write a multi-platform image, one instance per recipe."""
        manifests = []
        for recipe in recipes:
            descriptor = self._image(recipe)
            descriptor["platform"] = {"os": "linux", "architecture": recipe.architecture}
            manifests.append(descriptor)
        document = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
        return self._tag(tag, self._json(document, INDEX))

    def _image(self, recipe: ImageRecipe) -> dict[str, Any]:
        config = {
            "created": "2023-11-14T22:13:20Z",
            "architecture": recipe.architecture,
            "os": "linux",
            "config": recipe.config,
            "rootfs": {
                "type": "layers",
                "diff_ids": [_digest(content) for content in recipe.layers],
            },
            "history": [
                {"created": "2023-11-14T22:13:20Z", "created_by": "devtools"} for _ in recipe.layers
            ],
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._json(config, CONFIG),
            "layers": [
                self._blob(gzip.compress(content, 1, mtime=0), LAYER) for content in recipe.layers
            ],
        }
        return self._json(manifest, MANIFEST)

    def _tag(self, tag: str, descriptor: dict[str, Any]) -> str:
        self._manifests.append(
            {**descriptor, "annotations": {"org.opencontainers.image.ref.name": tag}}
        )
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": self._manifests}
        (self.path / "index.json").write_text(json.dumps(index))
        return str(descriptor["digest"])

    def _json(self, document: dict[str, Any], media_type: str) -> dict[str, Any]:
        return self._blob(json.dumps(document).encode(), media_type)

    def _blob(self, content: bytes, media_type: str) -> dict[str, Any]:
        digest = _digest(content)
        (self.path / "blobs/sha256" / digest.partition(":")[2]).write_bytes(content)
        return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def rootfs(path: Path) -> Path:
    """Unpack the busybox image's files to a directory, for tests without images."""
    path.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(busybox().layers[0])) as archive:
        archive.extractall(path, filter="fully_trusted")
    return path


def archive(layout: Path, output: Path) -> Path:
    """Pack a layout as an OCI archive (`oci-archive:`)."""
    packed = shutil.make_archive(str(output), "tar", layout)
    return Path(packed).rename(output)
