"""As much of a Docker daemon as saves and loads images, on a unix socket."""

from __future__ import annotations

import hashlib
import io
import json
import socketserver
import tarfile
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from devtools.serving import InThread


class Daemon(InThread):
    """`GET /images/NAME/get` and `POST /images/load` at `host`, until closed.

    images: archives by name and by id. refuse: what `load` says instead of taking an image.
    """

    def __init__(self, socket: Path) -> None:
        self.host = f"unix://{socket}"
        self.images: dict[str, bytes] = {}
        self.refuse = ""
        self.cut = 0
        super().__init__(_Server(str(socket), _handler(self)))

    def load(self, archive: bytes) -> None:
        """Keep each image of an archive as `docker load` does. Raises ValueError, KeyError."""
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:

            def read(name: str) -> bytes:
                file = tar.extractfile(name)
                assert file is not None
                return file.read()

            for item in json.loads(read("manifest.json")):
                config = read(item["Config"])
                diff_ids = json.loads(config)["rootfs"]["diff_ids"]
                layers = [read(name) for name in item["Layers"]]
                if diff_ids != [_digest(layer) for layer in layers]:
                    raise ValueError("invalid diffID")
                parts = {
                    f"{_digest(config)[7:]}.json": config,
                    **{f"{_digest(layer)[7:]}/layer.tar": layer for layer in layers},
                }
                for name in (*(item["RepoTags"] or ()), _digest(config)):
                    self.images[name] = _archive(parts, name)


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def _archive(parts: dict[str, bytes], name: str) -> bytes:
    config, *layers = parts
    tags = None if name.startswith("sha256:") else [name]
    manifest = [{"Config": config, "RepoTags": tags, "Layers": layers}]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path, content in {**parts, "manifest.json": json.dumps(manifest).encode()}.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _handler(daemon: Daemon) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = unquote(self.path).removeprefix("/images/").removesuffix("/get")
            archive = daemon.images.get(name)
            if archive is None:
                self._answer(404, {"message": f"No such image: {name}"})
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(archive)))
            self.end_headers()
            self.wfile.write(archive[: len(archive) - daemon.cut])

        def do_POST(self) -> None:
            archive = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                if daemon.refuse:
                    raise ValueError(daemon.refuse)
                daemon.load(archive)
                self._answer(200, {"stream": "Loaded image\n"})
            except (ValueError, KeyError, tarfile.TarError) as error:
                self._answer(200, {"errorDetail": {"message": str(error)}, "error": str(error)})

        def _answer(self, status: int, document: dict[str, Any]) -> None:
            data = json.dumps(document).encode() + b"\r\n"
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def address_string(self) -> str:
            return "unix"

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler
