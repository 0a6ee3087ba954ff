"""Containerfiles with real compilers and interpreters, those of this machine, here and by buildah.

The base is busybox; /usr and the loader come in as volumes, which both builders have.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from devtools.fixtures import needs

HOST = tuple(
    word
    for place in ("/usr", "/lib64", "/lib", "/etc/alternatives")
    if os.path.exists(place)
    for word in ("-v", f"{place}:{place}:ro")
)
GCC = """\
FROM localhost/busybox AS build
WORKDIR /src
COPY main.c Makefile.txt ./
RUN /usr/bin/gcc -Os -static -s -o /out main.c
FROM scratch
COPY --from=build --chmod=0555 --chown=3:4 /out /bin/tool
ENTRYPOINT ["/bin/tool"]
CMD ["built"]
"""
PYTHON = """\
FROM localhost/busybox AS build
ARG MODULE=app
WORKDIR /srv
COPY app.py .
RUN /usr/bin/python3 -m compileall -q --invalidation-mode unchecked-hash -b $MODULE.py && \\
    /usr/bin/python3 -c "import $MODULE as m; print(m.answer())" > answer && \\
    rm -rf __pycache__
FROM localhost/busybox
ENV PYTHONDONTWRITEBYTECODE=1
COPY --from=build /srv /srv
USER nobody
CMD ["python3", "/srv/app.pyc"]
"""
NODE = """\
ARG BASE=localhost/busybox
FROM ${BASE} AS deps
WORKDIR /app
COPY package.json ./
RUN mkdir -p node_modules/dep && echo 'module.exports = 5' > node_modules/dep/index.js
FROM ${BASE} AS build
WORKDIR /app
COPY --from=deps /app ./
COPY *.js ./
RUN /usr/bin/node -e "console.log(require('dep'))" > five && /usr/bin/node main.js > out
FROM ${BASE}
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build --chown=65534:65534 /app .
USER 65534
EXPOSE 3000
CMD ["node", "main.js"]
"""
SECRET = """\
FROM localhost/busybox
RUN --mount=type=secret,id=token,mode=0444 sha256sum /run/secrets/token > /sum
RUN --mount=type=secret,id=token,target=/etc/token cut -c1 /etc/token > /first
RUN test ! -s /run/secrets/token && test ! -s /etc/token && echo gone > /gone
"""
FILES = {
    "main.c": "#include <stdio.h>\nint main(int n, char **v) { puts(v[1]); return 7; }\n",
    "package.json": '{"name": "app", "version": "1.2.3", "main": "main.js"}',
    "main.js": "console.log(require('./package.json').version, [1, 2].map((x) => x * 2))",
    "Makefile.txt": "all:\n",
    "app.py": "def answer():\n    return 6 * 7\n",
    "token": "s3cret\n",
}
KINDS = {"gcc": GCC, "python": PYTHON, "node": NODE, "secrets": SECRET}
POINTS = ("dev", "proc", "sys", "run", "etc", "lib64", "lib", "usr")
"""What a RUN of buildah 1.28 leaves in an image: mount points, of secrets and volumes too."""


@pytest.fixture
def sources(context: Path) -> Path:
    for name, text in FILES.items():
        (context / name).write_text(text)
        (context / name).chmod(0o644)
    return context


def made(files: dict[str, str]) -> dict[str, str]:
    return {path: text for path, text in files.items() if path.partition("/")[0] not in POINTS}


@pytest.mark.e2e
@pytest.mark.parametrize("kind", KINDS)
def test_as_buildah_builds_it(builder: Any, buildah: Any, sources: Path, kind: str) -> None:
    if kind in ("gcc", "node") and not os.path.exists(f"/usr/bin/{kind}"):
        pytest.skip(f"no /usr/bin/{kind} here")
    (sources / "Containerfile").write_text(KINDS[kind])
    words = (*HOST, "--secret", f"id=token,src={sources / 'token'}")
    if kind == "secrets":
        words = words[-2:]
    theirs = buildah.build(sources, *words)
    for layers in ("--layers=false", "--layers"):
        ours = builder.build(sources, layers, *words)
        found, wanted = builder.config(ours), buildah.config(theirs)
        for field in ("Entrypoint", "Cmd", "User", "WorkingDir", "Env"):
            assert found["config"].get(field) == wanted["config"].get(field), field
        assert made(builder.files(ours)) == made(buildah.files(theirs))


@pytest.mark.e2e
@pytest.mark.skipif(not os.path.exists("/usr/bin/gcc"), reason="no gcc here")
def test_what_gcc_made_runs(builder: Any, sources: Path) -> None:
    (sources / "Containerfile").write_text(GCC)
    builder.build(sources, "--layers", *HOST, "-t", "tool")
    rundlet = Path(builder.command[0]).with_name("rundlet")
    done = subprocess.run(
        [str(rundlet), *builder.places, "run", "--rm", "--network", "none", "tool", "hello"],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (7, "hello\n"), done.stderr


@pytest.mark.e2e
@pytest.mark.parametrize("format", ["oci", "docker"])
def test_podman_and_skopeo_read_and_run_what_was_built(
    builder: Any, podman: Any, sources: Path, registry: Any, format: str
) -> None:
    needs("skopeo")
    (sources / "Containerfile").write_text(SECRET + 'CMD ["cat", "/gone"]\n')
    words = ("--secret", f"id=token,src={sources / 'token'}", "--format", format)
    image = builder.build(sources, "--layers", *words, "-t", "interop")
    target = f"docker://{registry.host}/interop:{format}"
    with builder.engine() as engine:
        from rundlet.core.contracts.transport import TransportSettings

        engine.images.push("interop", target, settings=TransportSettings(tls_verify=False))
    raw, config = (
        json.loads(
            subprocess.run(
                ["skopeo", "inspect", flag, *more, "--tls-verify=false", target],
                capture_output=True,
                check=True,
            ).stdout
        )
        for flag, more in (("--raw", ()), ("--config", ("--raw",)))
    )
    kind = "docker.distribution.manifest.v2" if format == "docker" else "oci.image.manifest.v1"
    assert kind in raw["mediaType"]
    assert raw["config"]["digest"] == f"sha256:{image}"
    assert config["config"]["Cmd"] == ["cat", "/gone"]
    name = target.removeprefix("docker://")
    podman("pull", "-q", "--tls-verify=false", name)
    limits = ("--network", "none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")
    done = podman("--runtime", "runc", "run", "--rm", *limits, name)
    assert done.stdout == "gone\n"


@pytest.mark.e2e
def test_one_digest_on_two_machines(
    builder: Any, sources: Path, busybox_archive: Path, tmp_path: Path
) -> None:
    """Stores, contexts and times of their own: the same Containerfile, the same image."""
    text = 'FROM localhost/busybox\nCOPY app.py /\nRUN echo x > /made\nLABEL a=b\nCMD ["cat"]\n'
    (sources / "Containerfile").write_text(text)
    other = type(builder)(tmp_path / "other")
    with other.engine() as engine:
        image = engine.images.pull(f"oci-archive:{busybox_archive}")
        engine.images.tag(image.id, "localhost/busybox:latest")
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("app.py", "Containerfile"):
        (copy / name).write_bytes((sources / name).read_bytes())
        os.utime(copy / name, (1_800_000_000, 1_800_000_000))
    found = set()
    for tool, context in ((builder, sources), (other, copy)):
        for layers in ("--layers", "--no-cache"):
            env = {"SOURCE_DATE_EPOCH": "1700000000"}
            words = ("--layers", layers, "-t", "same")
            tool("build", *words, str(context), env=env)
            with tool.engine() as engine:
                found.add(engine.images.get("same").manifest)
    assert len(found) == 1
    assert other.left() == []
