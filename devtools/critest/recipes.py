"""What critest pulls from registry.k8s.io and gcr.io, made from Debian packages instead.

Each image does what the specs ask of the one whose name it has; none is a copy of it.
"""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

from devtools import images
from devtools.images import ImageRecipe, Member, layer

TOOLS = ("procps", "util-linux", "coreutils", "dash", "nginx-light")
"""Packages with what Debian's busybox has not: pgrep and ipcs, id and ls, sh -p, nginx."""

_UNUSED = (
    "usr/share/",
    "usr/lib/x86_64-linux-gnu/gconv/",
    "var/lib/apt/",
    "var/cache/",
    "usr/bin/top",  # ends without a terminal; busybox's goes on
)
_NOT_OF_BUSYBOX = ("pgrep", "ipcs", "id", "ls")
_HTTPD = "echo httpd; exec httpd -f -p {port} -h /srv"
_USERS = (
    "root:x:0:0:root:/root:/bin/sh",
    "www-data:x:33:33:www-data:/srv:/bin/sh",
    "default-user:x:1000:1000::/:/bin/sh",
    "nobody:x:65534:65534:nobody:/:/bin/false",
)
_GROUPS = (
    "root:x:0:",
    "users:x:100:",
    "www-data:x:33:",
    "group-defined-in-image:x:50000:default-user",
    "nogroup:x:65534:",
)


def _busybox() -> bytes:
    """busybox whose shell does not know `ls` itself, so that /bin/ls can be masked.

    Debian builds it to prefer its own applets to files (FEATURE_SH_STANDALONE), which the images
    of the specs do not. The name is replaced by one of the same order in its table.
    """
    content = Path(images.BUSYBOX).read_bytes()
    if content.count(b"\0ls\0lsmod\0") != 1:
        raise RuntimeError("this busybox has no table of applets as the images need it")
    return content.replace(b"\0ls\0lsmod\0", b"\0lr\0lsmod\0")


def _slim(archive: Path) -> bytes:
    """What programs need of the packages' files."""
    out = io.BytesIO()
    with tarfile.open(archive) as source, tarfile.open(fileobj=out, mode="w") as kept:
        for member in source:
            path = member.name.removeprefix("./")
            if not path.startswith(_UNUSED) or path.startswith("usr/share/nginx"):
                kept.addfile(member, source.extractfile(member) if member.isfile() else None)
    return out.getvalue()


def _configured() -> bytes:
    applets = subprocess.run(
        [images.BUSYBOX, "--list"], capture_output=True, text=True, check=True
    ).stdout.split()
    return layer(
        [
            Member("tmp", mode=0o1777),
            Member("bin/busybox", _busybox()),
            *(
                Member(f"bin/{name}", link="busybox")
                for name in applets
                if name not in ("busybox", *_NOT_OF_BUSYBOX)
            ),
            Member("etc/passwd", "\n".join(_USERS).encode() + b"\n", mode=0o644),
            Member("etc/group", "\n".join(_GROUPS).encode() + b"\n", mode=0o644),
            Member("srv/index.html", b"httpd\n", mode=0o644),
            Member("run", mode=0o755),
            Member("var/run", link="/run"),
            Member("var/www/html/index.html", images.NGINX_INDEX, mode=0o644),
            Member("var/log/nginx/access.log", link="/dev/stdout"),
            Member("var/log/nginx/error.log", link="/dev/stderr"),
            Member("etc/nginx/sites-enabled/default", link="/etc/nginx/sites-available/default"),
            # Keeps its rights when it is told so, and tells whose they are.
            Member("bin/privileged-sh", Path("/usr/bin/dash").read_bytes(), mode=0o4755),
        ]
    )


def recipes(scratch: Path) -> dict[str, ImageRecipe]:
    """The images by their names, registry included."""
    tools = scratch / "tools.tar"
    subprocess.run(
        [
            "mmdebstrap",
            "--quiet",
            "--variant=extract",
            f"--include={','.join(TOOLS)}",
            images.suite(),
            str(tools),
        ],
        check=True,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(images.EPOCH)},
    )
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    base = ImageRecipe([_slim(tools), _configured()], {"Cmd": ["sh"], "Env": [path]})
    small = images.busybox()

    def of(recipe: ImageRecipe, **config: object) -> ImageRecipe:
        return replace(recipe, config={**recipe.config, **config})

    def httpd(port: int) -> ImageRecipe:
        return of(base, Cmd=["sh", "-c", _HTTPD.format(port=port)])

    def marked(text: str) -> ImageRecipe:
        return of(small, Labels={"test": text})

    e2e, gcr = "registry.k8s.io/e2e-test-images", "gcr.io/k8s-staging-cri-tools"
    told = ["privileged-sh", "-p", "-c", "echo Effective uid: $(id -u)"]
    return {
        f"{e2e}/busybox:1.29-2": base,
        f"{e2e}/nginx:1.14-2": of(base, Cmd=["nginx", "-g", "daemon off;"], StopSignal="SIGQUIT"),
        f"{e2e}/httpd:2.4.39-4": httpd(80),
        f"{e2e}/nonewprivs:1.3": of(base, Entrypoint=told),
        f"{gcr}/hostnet-nginx-amd64:latest": httpd(12003),
        f"{gcr}/test-image-predefined-group:latest": of(base, User="1000"),
        f"{gcr}/test-image-user-uid:latest": of(small, User="1002"),
        f"{gcr}/test-image-user-username:latest": of(small, User="www-data"),
        f"{gcr}/test-image-user-uid-group:latest": of(small, User="1003:users"),
        f"{gcr}/test-image-user-username-group:latest": of(small, User="www-data:100"),
        f"{gcr}/test-image-latest:latest": marked("latest"),
        f"{gcr}/test-image-tag:test": marked("tag"),
        f"{gcr}/test-image-tag:all": marked("all references"),
        f"{gcr}/test-image-digest:latest": marked("digest"),
        **{f"{gcr}/test-image-{n}:latest": marked(f"different {n}") for n in (1, 2, 3)},
        **{f"{gcr}/test-image-tags:{n}": marked("same") for n in (1, 2, 3)},
        "registry.k8s.io/pause:3.9": marked("pause"),
        "k8s.gcr.io/pause:3.9": marked("pause"),
    }
