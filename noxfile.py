"""The developer commands: `nox -l` lists them, `nox -s NAME` runs one.

Each installs what it needs, Debian packages included. The Python is the one nox runs on, but
for the bench.
"""

from __future__ import annotations

import os

import nox

PACKAGES = ("core", "cri", "cli", "build", "skopeo", "net-cni")
TEST_TOOLS = (
    "pytest>=8",
    "pytest-xdist>=3",
    "pytest-timeout>=2",
    "hypothesis>=6",
    "pysequoia>=0.1.30",
    "hatchling>=1.26",
    "build>=1",
    "grpcio-tools==1.76.0",
    "opentelemetry-exporter-otlp-proto-grpc>=1.30",  # rundlet-cri[tracing]
    "opentelemetry-sdk>=1.30",
)
TYPE_STUBS = ("types-protobuf", "types-grpcio")
DEBIAN_PYTHON = "/usr/bin/python3"

nox.options.sessions = ["lint", "types", "tests"]
nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False


def install_rundlet(session: nox.Session, *packages: str) -> None:
    """Install packages of the workspace as a user gets them: not editable."""
    session.install("--quiet", *(f"./packages/{package}" for package in packages or PACKAGES))


def debian(session: nox.Session, kind: str) -> None:
    """Install a set of Debian packages (devtools/debian.py), or stop with its message."""
    session.run("python", "-m", "devtools.debian", kind)


@nox.session
def demo(session: nox.Session) -> None:
    """Two images made here, a registry on loopback, and containers running from it."""
    debian(session, "demo")
    install_rundlet(session, "core", "cli", "skopeo", "net-cni")
    session.run("python", "-m", "devtools.demo", *session.posargs)


def run_tests(session: nox.Session, *arguments: str) -> None:
    debian(session, "test")
    session.install("--quiet", *TEST_TOOLS)
    install_rundlet(session)
    session.run("python", "-m", "pytest", *arguments, *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Everything: unit, contract, end-to-end, wheels. Under 20 minutes on 2 cores."""
    run_tests(session, "--numprocesses=2", "--dist=worksteal")


@nox.session
def e2e(session: nox.Session) -> None:
    """Only the tests that go through the installed commands."""
    run_tests(session, "--numprocesses=2", "-m", "e2e")


@nox.session
def lint(session: nox.Session) -> None:
    """Style, format and the import contracts."""
    session.install("--quiet", "ruff>=0.8", "import-linter>=2")
    install_rundlet(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """mypy --strict over all packages and devtools."""
    session.install("--quiet", "mypy>=1.13", *TEST_TOOLS, *TYPE_STUBS, "nox")
    install_rundlet(session)
    session.run("mypy")


# Debian's Python beside Debian's podman. By virtualenv, which needs no python3-venv.
@nox.session(
    python=DEBIAN_PYTHON if os.path.exists(DEBIAN_PYTHON) else None, venv_backend="virtualenv"
)
def bench(session: nox.Session) -> None:
    """Rundlet beside Debian's podman and containerd in one run: ratios of medians."""
    debian(session, "bench")
    install_rundlet(session)
    session.run("python", "-m", "devtools.bench", *session.posargs)


@nox.session
def conformance(session: nox.Session) -> None:
    """Kubernetes' own critest against rundlet-cri; crictl and critest must be on PATH."""
    debian(session, "test")
    install_rundlet(session, "core", "cri", "net-cni")
    session.run("python", "-m", "devtools.critest", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build docs/ as a site into site/; broken links are errors."""
    session.install("--quiet", "mkdocs>=1.6")
    session.run("mkdocs", "build", "--strict", "--quiet", "--site-dir", "site")
