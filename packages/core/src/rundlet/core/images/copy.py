"""The one copy engine: from any image source to any destination.

Used by pull, push, save, load and skopeo's copy. Every byte passes a digest check; the config is
read first, then it and the layers go in parallel, the top manifest last, and `commit` makes it
visible.
"""

from __future__ import annotations

from ..contracts.transport import ManifestBytes, Platform
from ..errors import Corrupt, NotSupported
from ..value import Value
from . import manifest as manifests
from . import platforms
from .copy_image import Copied, ImageCopy, cannot_keep
from .digests import check_manifest, digest_of
from .manifest import Index, Manifest
from .plan import Wishes, index_type
from .progress import SILENT
from .schema1 import upgraded
from .signatures import Signatures
from .variants import annotated, check, missing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..contracts.transport import ImageDestination, ImageSource
    from ..trust.signing import Signing
    from .descriptor import Descriptor
    from .encryption import Encryption
    from .progress import Progress
    from .turns import Turns

_MOST_NESTING = 4


class CopyOptions(Value):
    """How to copy.

    platform: which instance of an index. all_instances: all of them, and the index.
    index_only: the index without any of them. platforms: with `all_instances`, only those for
        one of these; `strip` takes the others out of the index, which else names them still.
    keep: fail where a digest would change.
    wishes: format and compression. parallel: layers at once, 0 for six.
    turns: shared by copies that run side by side to places that share their blobs.
    allow: told of each manifest that is used, and of its signatures, before anything that it
        names is read; raises to refuse it (`trust.check`). signatures: whether they are copied.
    drop_void: leave those out that are void because the image changes, instead of refusing.
    signing: who signs what arrives.
    encryption: keys to encrypt layers to, or to decrypt them with.
    add_compression: with `all_instances`, each image also in these compressions, where an index
        has none for its platform (containers.conf(5)).
    precompute: layers that change are made in a temporary file (in the directory `temporary`)
        first, and not sent when the destination has them.
    """

    platform: Platform = Platform()
    all_instances: bool = False
    index_only: bool = False
    platforms: tuple[Platform, ...] = ()
    strip: bool = False
    keep: bool = False
    wishes: Wishes = Wishes()
    parallel: int = 0
    turns: Turns | None = None
    allow: Callable[[bytes, Sequence[bytes]], None] | None = None
    signatures: bool = False
    drop_void: bool = False
    signing: Signing | None = None
    encryption: Encryption | None = None
    add_compression: tuple[str, ...] = ()
    precompute: bool = False
    temporary: str = ""


def copy(
    source: ImageSource,
    destination: ImageDestination,
    options: CopyOptions = CopyOptions(),  # noqa: B008 (frozen)
    progress: Progress = SILENT,
) -> Copied:
    """Copy one image. The caller closes both ends.

    Raises Corrupt and DigestMismatch for what is not what it should be, NotFound for a
    platform that is not there, and what the two ends raise. Nothing is visible then.
    """
    with upgraded(source) as reading:
        return _Copy(reading, destination, options, progress).run()


class _Copy:
    """One copy under way."""

    def __init__(
        self,
        source: ImageSource,
        destination: ImageDestination,
        options: CopyOptions,
        progress: Progress,
    ) -> None:
        self._source = source
        self._destination = destination
        self._options = options
        self._progress = progress
        self._signatures = Signatures(source, destination, options)
        self._images = ImageCopy(source, destination, options, progress)

    def run(self) -> Copied:
        top = self._source.manifest()
        document = self._parsed(top)
        several = self._options.index_only or self._options.all_instances
        kind = "list" if isinstance(document, Index) and several else "source"
        if self._options.signatures:
            self._progress.message(f"Getting image {kind} signatures")
        if isinstance(document, Index) and self._options.index_only:
            signatures = self._signatures.allowed(top, "")
            copied = self._bare_index(top, document)
        elif isinstance(document, Index) and self._options.all_instances:
            signatures = self._signatures.allowed(top, "")
            copied = self._index(top, document)
        else:
            one, data = self._instance(document, top)
            if data is top:
                signatures = self._signatures.allowed(top, "")
            else:
                signatures = self._signatures.allowed(data, digest_of(data.data), top)
            copied = self._images.copy(one, data, self._options.wishes)
            top = data
        written = "manifest list" if kind == "list" else "manifest"
        self._progress.message(f"Writing {written} to image destination")
        self._destination.put_manifest(copied.manifest)
        self._signatures.put(signatures, top, copied, "")
        self._destination.commit()
        return copied

    # --- manifests

    def _parsed(self, data: ManifestBytes) -> Manifest | Index:
        """Raises Corrupt that names where it is from."""
        try:
            return manifests.parse(data.data, data.media_type)
        except Corrupt as error:
            raise Corrupt(f"{self._source.location}: {error.message}") from None

    def _instance(
        self, document: Manifest | Index, data: ManifestBytes
    ) -> tuple[Manifest, ManifestBytes]:
        """The image for the wanted platform, through nested indexes."""
        for _ in range(_MOST_NESTING):
            if isinstance(document, Manifest):
                return document, data
            chosen = platforms.choose(document, self._options.platform)
            data = self._verified_manifest(chosen)
            document = self._parsed(data)
        raise Corrupt("indexes are nested too deeply")

    def _verified_manifest(self, wanted: Descriptor) -> ManifestBytes:
        data = self._source.manifest(wanted.digest)
        check_manifest(data.data, wanted.digest)
        if 0 <= wanted.size != len(data.data):
            raise Corrupt(f"manifest {wanted.digest}: {len(data.data)} bytes, not {wanted.size}")
        return ManifestBytes(data.data, data.media_type or wanted.media_type)

    def _bare_index(self, top: ManifestBytes, index: Index) -> Copied:
        """The index alone: its instances are at the destination, or may be missing there."""
        if index_type(index, self._destination, self._options.wishes) != index.media_type:
            raise NotSupported("an index that is copied alone cannot get another format")
        return Copied(top.replace(media_type=index.media_type), digest_of(top.data))

    def _index(self, top: ManifestBytes, index: Index) -> Copied:
        """The wanted instances, then the index; as they are, unless the user or the place wants
        else.
        """
        wanted = platforms.for_platforms(index, self._options.platforms)
        wishes, additions = self._options.wishes, self._options.add_compression
        check(additions, wishes)
        added = missing(wanted, additions, wishes)
        if added and self._options.keep:
            raise cannot_keep("its index would be another one")
        zstd = any(compression != "gzip" for _, compression in added)
        kind = index_type(
            index, self._destination, wishes.replace(compression="zstd") if zstd else wishes
        )
        as_it_is = wishes == Wishes() and kind == index.media_type and not self._options.encryption
        blobs: dict[str, None] = {}
        items: list[Descriptor | None] = []
        more: list[Descriptor] = []
        total = len(wanted) + len(added)
        self._progress.message(
            f"Copying {total} images generated from {len(index.manifests)} images in list"
        )
        for item in index.manifests:
            if item not in wanted:
                items.append(None if self._options.strip else item)
                continue
            self._tell_of(item, wanted.index(item) + 1, total)
            items.append(self._listed(item, top, None if as_it_is else wishes, blobs))
        for number, (item, compression) in enumerate(added, len(wanted) + 1):
            self._tell_of(item, number, total)
            other = wishes.replace(compression=compression, force=True, level=None)
            made = self._listed(item, top, other, blobs, added=True)
            more.append(annotated(made, compression))
        if kind == index.media_type and tuple(items) == index.manifests and not more:
            kept = top.replace(media_type=kind)
            return Copied(kept, digest_of(top.data), "", tuple(blobs))
        if self._options.keep:
            raise cannot_keep("its index would be another one")
        data = manifests.recompose_index(index, kind, items, more)
        return Copied(ManifestBytes(data, kind), digest_of(data), "", tuple(blobs))

    def _tell_of(self, item: Descriptor, number: int, total: int) -> None:
        self._progress.message(f"Copying image {item.digest} ({number}/{total})")

    def _listed(
        self,
        item: Descriptor,
        top: ManifestBytes,
        wishes: Wishes | None,
        blobs: dict[str, None],
        *,
        added: bool = False,
    ) -> Descriptor:
        """Copy one instance of an index; what it is there. blobs: gets those that are there.

        added: it is another image there, which nobody has signed yet.
        """
        data = self._verified_manifest(item)
        document = self._parsed(data)
        if isinstance(document, Index):
            raise NotSupported("an index inside an index cannot be copied whole")
        signatures = self._signatures.allowed(data, item.digest, top)
        copied = self._images.copy(document, data, wishes)
        self._progress.message("Writing manifest to image destination")
        blobs.update(dict.fromkeys(copied.blobs))
        self._destination.put_manifest(copied.manifest, copied.digest)
        self._signatures.put(() if added else signatures, data, copied, copied.digest)
        if copied.digest == item.digest:
            return item
        return item.replace(
            digest=copied.digest,
            size=len(copied.manifest.data),
            media_type=copied.manifest.media_type,
        )
