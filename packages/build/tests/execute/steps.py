"""A Containerfile of a few steps, and what a build says of them."""

from __future__ import annotations

from pathlib import Path


def written(context: Path, text: str) -> Path:
    (context / "Containerfile").write_text(text, errors="surrogateescape")
    return context


def misses(output: str) -> list[str]:
    """Why steps were not taken from the cache."""
    return [line.removeprefix("--> cache miss: ") for line in output.splitlines() if "miss" in line]


def hits(output: str) -> int:
    return output.count("--> Using cache")


STEPS = """FROM localhost/busybox
ARG V=1
COPY a /a
COPY dir /dir
RUN cat /a > /b
RUN echo $V > /v
LABEL x=y
"""
