"""The files of an artifact, out of the store (podman-artifact-extract(1))."""

from __future__ import annotations

import os

from ..errors import Corrupt, InvalidArgument, NotFound
from ..transports.files import PIECE, NewFile, failing
from .store import TITLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..images.descriptor import Descriptor
    from .store import Artifact, Store


def extract(store: Store, artifact: Artifact, target: str, digest: str, title: str) -> None:
    """Write one file to `target`, or all into it where it is a directory.

    Raises InvalidArgument when there are several for one file, NotFound for a digest or title
    that none has, Corrupt for titles that would lead elsewhere and for changed bytes.
    """
    wanted = chosen(artifact, digest, title)
    if os.path.isdir(target):
        for blob in wanted:
            _write(store, blob, os.path.join(target, file_name(blob, bool(digest))))
        return
    if len(wanted) > 1:
        raise InvalidArgument(
            f"the artifact consists of several blobs and the target {target!r} is not a directory"
            " and neither digest or title was specified to only copy a single blob"
        )
    _write(store, wanted[0], target)


def chosen(artifact: Artifact, digest: str, title: str) -> tuple[Descriptor, ...]:
    """The files that are meant. Raises InvalidArgument, NotFound."""
    if digest and title:
        raise InvalidArgument("cannot specify both digest and title")
    if not artifact.blobs:
        raise InvalidArgument("the artifact has no blobs, nothing to extract")
    if digest:
        found = [blob for blob in artifact.blobs if blob.digest.startswith(_prefixed(digest))]
    elif title:
        found = [blob for blob in artifact.blobs if blob.annotations.get(TITLE) == title]
    else:
        return artifact.blobs
    if not found:
        what = f"digest {digest!r}" if digest else f"title {title!r}"
        raise NotFound(f"no blob with the {what}")
    if len({blob.digest for blob in found}) > 1:
        raise InvalidArgument(f"{digest or title!r} is of {len(found)} blobs")
    return (found[0],)


def file_name(blob: Descriptor, by_digest: bool = False) -> str:
    """Its title, else its digest, as the name of a file. Raises Corrupt for what is none."""
    title = "" if by_digest else blob.annotations.get(TITLE, "")
    if not title:
        return blob.digest.replace(":", "-")
    if "/" in title or "\0" in title or title in (".", ".."):
        raise Corrupt(
            f"the title {title!r} is no name of a file",
            remedy=f"Take it by --digest {blob.digest}.",
        )
    return title


def _prefixed(digest: str) -> str:
    return digest if ":" in digest else f"sha256:{digest}"


def _write(store: Store, blob: Descriptor, path: str) -> None:
    with store.open(blob) as stream, failing(path, "writing"):
        new = NewFile(path)
        try:
            while piece := stream.read(PIECE):
                new.write(piece)
            new.publish(durable=False)
        finally:
            new.close()
