"""`--sbom`: what is in an image, as programs of scanner images see it (buildah-build(1)).

Each command runs in a container of the scanner's image, with the image's files and the build's
contexts mounted read-only, and writes a document. The documents become one; of it, and of the
package URLs in it, files are made, and files of the image.
"""

from __future__ import annotations

import json
import os
import shlex

from rundlet.core.containers.request import Mount
from rundlet.core.errors import InvalidArgument, RundletError, StoreError, UsageError
from rundlet.core.value import Value

from . import running

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from rundlet.core import Engine
    from rundlet.core.containers.request import ContainerRequest

CYCLONEDX = "merge-cyclonedx-by-component-name-and-version"
SPDX = "merge-spdx-by-package-name-and-versioninfo"
_ROOTFS, _CONTEXT, _SCANS = "/.rootfs", "/.context", "/.scans"
_SYFT = ("ghcr.io/anchore/syft", "/syft scan -q dir:{WHAT} --output {FORMAT}-json={OUTPUT}")
_TRIVY = (
    "ghcr.io/aquasecurity/trivy",
    "trivy filesystem -q {WHAT} --format {FORMAT} --output {OUTPUT}",
)
PRESETS = {
    "syft": (*_SYFT, "cyclonedx", CYCLONEDX),
    "syft-cyclonedx": (*_SYFT, "cyclonedx", CYCLONEDX),
    "syft-spdx": (*_SYFT, "spdx", SPDX),
    "trivy": (*_TRIVY, "cyclonedx", CYCLONEDX),
    "trivy-cyclonedx": (*_TRIVY, "cyclonedx", CYCLONEDX),
    "trivy-spdx": (*_TRIVY, "spdx-json", SPDX),
}
"""Preset to scanner image, command, format, how results are merged."""


class SbomOrder(Value):
    """What to scan with, and where the results go.

    output, purl_output: files here; image_output, image_purl_output: paths in the image.
    """

    image: str
    commands: tuple[str, ...]
    strategy: str = "cat"
    output: str = ""
    purl_output: str = ""
    image_output: str = ""
    image_purl_output: str = ""


class Scanned(Value):
    """The one document, and the package URLs in it, a line each."""

    document: bytes
    purls: bytes

    def in_image(self, order: SbomOrder) -> dict[str, bytes]:
        """Path in the image to content."""
        found = {order.image_output: self.document, order.image_purl_output: self.purls}
        return {path: data for path, data in found.items() if path}

    def write(self, order: SbomOrder) -> None:
        """The files that are wanted here. Raises StoreError."""
        for path, data in ((order.output, self.document), (order.purl_output, self.purls)):
            if not path:
                continue
            try:
                with open(path, "wb") as file:
                    file.write(data)
            except OSError as error:
                raise StoreError(f"the SBOM {path}: {error.strerror}") from error


def ordered(preset: str, words: Mapping[str, str], commands: tuple[str, ...]) -> SbomOrder | None:
    """What the flags ask for; None when none was given.

    words: `scanner-image`, `merge-strategy`, `output`, `purl-output`, `image-output`,
    `image-purl-output`. Raises UsageError.
    """
    if not (preset or commands or any(words.values())):
        return None
    image, strategy = words["scanner-image"], words["merge-strategy"]
    if preset:
        if preset not in PRESETS:
            raise UsageError(
                f"unrecognized --sbom preset {preset!r}", remedy=f"Known are {', '.join(PRESETS)}."
            )
        its, command, form, merge = PRESETS[preset]
        line = command.replace("{FORMAT}", form)
        scans = tuple(line.replace("{WHAT}", what) for what in ("{ROOTFS}", "{CONTEXT}"))
        image, commands, strategy = image or its, commands or scans, strategy or merge
    if not image or not commands:
        raise UsageError(
            "an SBOM needs a scanner",
            remedy="Give --sbom PRESET, or --sbom-scanner-image and --sbom-scanner-command.",
        )
    if not any(words[name] for name in words if name.endswith("output")):
        raise UsageError(
            "an SBOM needs a place to go",
            remedy="Give --sbom-output, --sbom-image-output, --sbom-purl-output"
            " or --sbom-image-purl-output.",
        )
    if len(commands) > 1 and not strategy:
        raise UsageError("several --sbom-scanner-command need a --sbom-merge-strategy")
    return SbomOrder(
        image,
        commands,
        strategy or "cat",
        output=words["output"],
        purl_output=words["purl-output"],
        image_output=words["image-output"],
        image_purl_output=words["image-purl-output"],
    )


def scan(
    engine: Engine,
    order: SbomOrder,
    image: str,
    root: str,
    contexts: Sequence[str],
    scratch: str,
    template: ContainerRequest,
) -> Scanned:
    """Run all commands. image: the scanner's id. Raises RundletError for one that fails."""
    scans = os.path.join(scratch, f"scans-{os.urandom(6).hex()}")
    os.mkdir(scans, 0o700)
    places = [f"{_CONTEXT}{number}" for number in range(len(contexts))]
    mounts = [Mount("bind", _ROOTFS, root, ("ro",)), Mount("bind", _SCANS, scans, ("rw",))]
    mounts += [
        Mount("bind", place, os.path.realpath(path), ("ro",))
        for place, path in zip(places, contexts, strict=True)
    ]
    found: list[bytes] = []
    for command in order.commands:
        for place in places if "{CONTEXT}" in command else ("",):
            name = f"scan-{len(found)}.json"
            line = command.replace("{ROOTFS}", _ROOTFS).replace("{CONTEXT}", place)
            words = _words(line.replace("{OUTPUT}", f"{_SCANS}/{name}"))
            request = template.replace(
                image=image, entrypoint=(), command=words, mounts=tuple(mounts), workdir="/"
            )
            code = running.carried_out(engine, request, 2)
            if code:
                raise RundletError(f"the SBOM scanner {order.image}: {line!r}: exit status {code}")
            found.append(_read(f"{scans}/{name}", order, line))
    document = _merged(found, order.strategy)
    return Scanned(document, _purls(found))


def _words(line: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(line))
    except ValueError as error:
        raise InvalidArgument(f"--sbom-scanner-command {line!r}: {error}") from None


def _read(path: str, order: SbomOrder, line: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        raise RundletError(
            f"the SBOM scanner {order.image}: {line!r} wrote nothing to {{OUTPUT}}"
        ) from None


def _merged(documents: Sequence[bytes], strategy: str) -> bytes:
    """One document of several, the first one's with what the others have more."""
    if strategy == "cat" or len(documents) == 1:
        return b"".join(documents)
    key, fields = {
        CYCLONEDX: ("components", ("name", "version")),
        SPDX: ("packages", ("name", "versionInfo")),
    }[strategy]
    first, *others = (_parsed(text) for text in documents)
    known = {tuple(one.get(field) for field in fields) for one in first.get(key) or ()}
    for document in others:
        for one in document.get(key) or ():
            identity = tuple(one.get(field) for field in fields)
            if identity not in known:
                known.add(identity)
                first.setdefault(key, []).append(one)
    return json.dumps(first).encode() + b"\n"


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise RundletError(f"an SBOM that is to be merged is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise RundletError("an SBOM that is to be merged is no JSON object")
    return found


def _purls(documents: Sequence[bytes]) -> bytes:
    """The package URLs of CycloneDX and SPDX documents, sorted, a line each."""
    found: set[str] = set()
    for text in documents:
        try:
            document = json.loads(text)
        except ValueError:
            continue  # of a format that has none
        if isinstance(document, dict):
            found.update(_purls_of(document))
    return "".join(f"{purl}\n" for purl in sorted(found)).encode()


def _purls_of(document: dict[str, Any]) -> set[str]:
    found = set()
    pending = list(document.get("components") or ())
    while pending:
        component = pending.pop()
        found.add(str(component.get("purl") or ""))
        pending += component.get("components") or ()
    for package in document.get("packages") or ():
        for reference in package.get("externalRefs") or ():
            if reference.get("referenceType") == "purl":
                found.add(str(reference.get("referenceLocator") or ""))
    return found - {""}
