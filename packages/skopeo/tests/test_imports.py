"""What a copy from a registry imports: importing is a good part of a small copy's time."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from devtools.registry import Registry, push

FORBIDDEN = {
    "asyncio", "concurrent.futures", "dataclasses", "email", "http.client", "logging",
    "importlib.metadata", "pydantic", "rich", "ssl", "stevedore", "subprocess", "tempfile",
    "tomllib", "typer", "typing", "urllib3", "zstandard",
}  # fmt: skip
SCRIPT = """
import sys
before = set(sys.modules)
sys.argv = ["rundlet-skopeo", *{words!r}]
from rundlet.skopeo.main import main
code = main()
print("\\n".join(set(sys.modules) - before))
sys.exit(code)
"""


def test_copy(tool: Any, registry: Registry, image_layout: Any) -> None:
    name = f"{registry.host}/imports:1"
    push(image_layout, "busybox", name)
    # Of its own: other tests' programs put other settings into the usual ones.
    tool.environment["RUNDLET_CACHE"] = f"{tool.directory}/cache"
    words = ["copy", "--quiet", f"docker://{name}", f"oci:{tool.directory}/layout:1"]
    imported: set[str] = set()
    for _ in range(2):  # the second finds the caches warm: they are of one path of modules
        done = subprocess.run(
            [sys.executable, "-P", "-c", SCRIPT.format(words=words)],
            env=tool.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        imported = set(done.stdout.split())
    assert sorted(FORBIDDEN & imported) == []
