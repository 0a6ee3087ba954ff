"""Real Containerfiles, built here and by Debian's buildah: same config, files, modes, owners."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

# What a RUN of buildah 1.28 leaves in an image, or what it alone writes.
POINTS = {"dev", "proc", "sys", "run", "etc/hosts", "etc/hostname", "etc/resolv.conf", "var/cache"}

FILES = {
    "package.json": "{}",
    "src/main.c": "int main;",
    "src/deep/data.txt": "data",
    "src/run.sh": "#!/bin/sh\necho run\n",
    "site/index.html": "<h1>hello</h1>",
    "requirements.txt": "x==1\n",
    ".dockerignore": "**/*.log\nsecret\n!keep.log\n",
    "a.log": "no",
    "keep.log": "yes",
    "secret": "no",
}

KINDS = {
    "node": """
        ARG TAG=latest
        FROM localhost/busybox:${TAG} AS deps
        WORKDIR /app
        COPY package.json ./
        RUN mkdir -p node_modules/x && echo x > node_modules/x/index.js
        FROM localhost/busybox AS build
        WORKDIR /app
        COPY --from=deps /app/node_modules ./node_modules
        COPY src ./src
        RUN mkdir dist && cat src/main.c > dist/out.js
        FROM localhost/busybox
        ENV NODE_ENV=production PORT=3000
        WORKDIR /app
        COPY --from=build --chown=nobody:nogroup /app/dist ./dist
        USER nobody
        EXPOSE $PORT
        CMD ["node", "dist/out.js"]
    """,
    "python": """
        FROM localhost/busybox:latest
        ENV PYTHONUNBUFFERED=1 \\
            PATH="/venv/bin:$PATH"
        COPY requirements.txt /tmp/requirements.txt
        RUN mkdir -p /venv/bin && \\
            cp /tmp/requirements.txt /venv/installed && \\
            rm /tmp/requirements.txt
        WORKDIR /srv/app
        COPY . .
        VOLUME ["/data"]
        ENTRYPOINT ["python", "-m"]
        CMD ["app"]
    """,
    "c-static": """
        FROM localhost/busybox AS build
        COPY src/main.c /src/
        RUN cd /src && (echo static; cat main.c) > /out && chmod 755 /out
        FROM scratch
        COPY --from=build /out /bin/tool
        ENTRYPOINT ["/bin/tool"]
    """,
    "nginx": """
        FROM localhost/busybox
        LABEL maintainer="someone" org.opencontainers.image.title='a site'
        COPY site/ /usr/share/nginx/html/
        COPY src/run.sh /docker-entrypoint.sh
        RUN chmod +x /docker-entrypoint.sh && mkdir -p /var/cache/nginx && \\
            chown -R 33:33 /var/cache/nginx
        EXPOSE 80/tcp 443 53/udp
        STOPSIGNAL SIGQUIT
        ENTRYPOINT ["/docker-entrypoint.sh"]
        CMD ["nginx", "-g", "daemon off;"]
    """,
    "cache-mounts": """
        FROM localhost/busybox
        RUN --mount=type=cache,target=/var/cache/apt --mount=type=tmpfs,target=/scratch \\
            echo cached > /var/cache/apt/p && echo x > /scratch/y && echo installed > /installed
        RUN --mount=type=bind,source=src,target=/src cat /src/main.c > /copied
    """,
    "arg-matrix": """
        ARG VERSION=1
        ARG UNUSED=x
        FROM localhost/busybox
        ARG VERSION
        ARG FLAVOUR=plain
        ARG TARGETARCH
        ENV V=${VERSION:-none} F=${FLAVOUR:+with-$FLAVOUR} A=$TARGETARCH N="${NONE:-a b}"
        LABEL version=$VERSION
        RUN echo "$VERSION $FLAVOUR" > /matrix
        WORKDIR /opt/$FLAVOUR
    """,
    "owners-and-links": """
        FROM localhost/busybox
        RUN mkdir -p /real && ln -s /real /link && ln -s /nowhere /dangling
        COPY src /link/src
        COPY --chown=5:6 src/main.c /own/deep/er/
        COPY --chown=7 src/run.sh /own/uid
        COPY --chmod=0700 site /private
        COPY --chown=nobody site /nobodys
        COPY src/*.c src/run.sh /several/
        COPY src/ma?n.c /one
        USER 65534:65534
        WORKDIR /made/by/user
        RUN touch mine && mkdir -p sub && chmod 2750 sub
    """,
    "archives": """
        FROM localhost/busybox
        ADD files.tar.gz /unpacked/
        COPY files.tar.gz /kept/
        ADD --chown=9:9 files.tar.gz /owned/
        ADD package.json /json
    """,
    "deletions": """
        FROM localhost/busybox
        RUN mkdir /d && echo 1 > /d/one && echo 2 > /d/two
        RUN rm /d/one && echo 3 > /d/two && rm -r /home
        RUN rm -r /d && mkdir /d && echo new > /d/new
    """,
    "config": """
        FROM localhost/busybox
        MAINTAINER someone <some@one>
        ENV empty= quoted="a \\"b\\" \\$c" single='$PATH'
        ENV old style with spaces
        HEALTHCHECK --interval=30s --timeout=2s --retries=5 CMD wget -q localhost || exit 1
        ONBUILD RUN echo triggered > /triggered
        ONBUILD COPY package.json /from-trigger
        CMD echo $old
        ENTRYPOINT exec top -b
        SHELL ["/bin/ash", "-c"]
    """,
    "entrypoint-of-base": """
        FROM localhost/busybox AS base
        ENTRYPOINT ["/bin/echo"]
        CMD ["default"]
        FROM base
        ENTRYPOINT ["/bin/cat"]
        VOLUME /a /b
        USER root:root
    """,
}


@pytest.fixture
def filled(context: Path) -> Path:
    """A context with the files that the Containerfiles use."""
    for name, text in FILES.items():
        path = context / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (context / "src/run.sh").chmod(0o755)
    (context / "site").chmod(0o750)
    (context / "src/relative").symlink_to("deep/data.txt")
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo("inner")
        info.type, info.mode, info.uid, info.gid = tarfile.DIRTYPE, 0o751, 1, 2
        archive.addfile(info)
        info = tarfile.TarInfo("inner/file")
        info.size, info.mode, info.uid, info.gid = 3, 0o640, 3, 4
        archive.addfile(info, io.BytesIO(b"abc"))
    (context / "files.tar.gz").write_bytes(out.getvalue())
    return context


def written(context: Path, text: str) -> None:
    lines = [line.removeprefix("        ") for line in text.strip("\n").splitlines()]
    (context / "Containerfile").write_text("\n".join(lines) + "\n")


def comparable(document: dict[str, Any]) -> dict[str, Any]:
    """What does not depend on the time, or on who built."""
    config = dict(document["config"])
    labels = dict(config.get("Labels") or {})
    labels.pop("io.buildah.version", None)
    config["Labels"] = labels
    config.pop("Hostname", None)
    config["Env"] = sorted(config.get("Env") or ())  # buildah puts what was set again last
    history = [_step(entry.get("created_by", "")) for entry in document["history"]]
    kept = {key: document.get(key) for key in ("architecture", "os", "author")}
    return {**kept, "config": {k: v for k, v in config.items() if v}, "history": history}


def _step(text: str) -> str:
    """Of a COPY only that it was one: its digest is of another kind. Of an ARG as well: buildah
    1.28 lists all that were declared until then."""
    if "#(nop) ARG" in text:
        return "ARG"
    copy = any(text.startswith(f"/bin/sh -c #(nop) {name} ") for name in ("ADD", "COPY"))
    return text.partition(":")[0] if copy else text


def without_points(files: dict[str, str]) -> dict[str, str]:
    return {path: text for path, text in files.items() if path not in POINTS}


@pytest.mark.e2e
@pytest.mark.parametrize("kind", KINDS)
def test_as_buildah_builds_it(builder: Any, buildah: Any, filled: Path, kind: str) -> None:
    written(filled, KINDS[kind])
    format = ("--format", "docker") if kind == "config" else ()
    words = (*format, "--build-arg", "FLAVOUR=rich") if kind == "arg-matrix" else format
    ours = builder.build(filled, "--layers=false", *words, "-t", "ours")
    theirs = buildah.build(filled, *words)
    assert comparable(builder.config(ours)) == comparable(buildah.config(theirs))
    if kind == "config":
        return  # buildah's `from` would carry its ONBUILD out; test_onbuild_chain does
    found, wanted = without_points(builder.files(ours)), without_points(buildah.files(theirs))
    assert found == wanted
    layered = builder.build(filled, "--layers", *words)
    assert without_points(builder.files(layered)) == wanted
    assert builder.config(layered)["config"] == builder.config(ours)["config"]


@pytest.mark.e2e
def test_onbuild_chain(builder: Any, buildah: Any, filled: Path) -> None:
    written(filled, KINDS["config"])
    builder.build(filled, "--format", "docker", "-t", "localhost/base")
    buildah.build(filled, "--format", "docker", "-t", "localhost/base")
    written(filled, "FROM localhost/base\nRUN cat /triggered > /after\n")
    ours, theirs = builder.build(filled), buildah.build(filled)
    assert without_points(builder.files(ours)) == without_points(buildah.files(theirs))
    assert builder.config(ours)["config"].get("OnBuild") is None


@pytest.mark.e2e
def test_buildah_reads_what_was_built(builder: Any, buildah: Any, filled: Path) -> None:
    written(filled, KINDS["node"])
    for format in ("oci", "docker"):
        identity = builder.build(filled, "--layers", "--format", format, "-t", f"n-{format}")
        with builder.engine() as engine:
            target = f"{filled}/../{format}.tar"
            engine.images.save([identity], target, format="docker-archive")
        image = buildah("pull", "-q", f"docker-archive:{os.path.realpath(target)}").split()[-1]
        assert without_points(buildah.files(image)) == without_points(builder.files(identity))
