"""Signatures of the images of one copy: judged, copied along, and made."""

from __future__ import annotations

from ..errors import InvalidArgument, SignatureDenied

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..contracts.transport import ImageDestination, ImageSource, ManifestBytes
    from .copy import CopyOptions
    from .copy_image import Copied


class Signatures:
    """What a copy does about signatures, of the top manifest and of instances alike."""

    def __init__(
        self, source: ImageSource, destination: ImageDestination, options: CopyOptions
    ) -> None:
        self._source = source
        self._destination = destination
        self._options = options

    def allowed(
        self, data: ManifestBytes, digest: str, top: ManifestBytes | None = None
    ) -> Sequence[bytes]:
        """The signatures of a manifest that go along. Raises DeniedByPolicy when it may not be
        used. digest: of an instance, "" for the top manifest.

        top: the index that an instance was reached by, through digests. Whoever signed that signed
        what it names: it is enough if the index may be used.
        """
        if self._options.allow is None and not self._options.signatures:
            return ()
        found = self._source.signatures(digest)
        if self._options.allow is not None:
            try:
                self._options.allow(data.data, found)
            except SignatureDenied as error:
                if top is None or not self._may_be_used(top):
                    raise error from None
        return found if self._options.signatures else ()

    def _may_be_used(self, top: ManifestBytes) -> bool:
        assert self._options.allow is not None
        try:
            self._options.allow(top.data, self._source.signatures())
        except SignatureDenied:
            return False
        return True

    def put(self, along: Sequence[bytes], data: ManifestBytes, copied: Copied, digest: str) -> None:
        """Write signatures that go along, as long as what they are of is still the same, and
        those that are made now.
        """
        if along and copied.manifest.data != data.data:
            if not self._options.drop_void:
                raise InvalidArgument(
                    f"the image would change, which would invalidate its {len(along)} signatures",
                    remedy="Use --remove-signatures.",
                )
            along = ()
        made: Sequence[bytes] = ()
        if self._options.signing is not None:
            place = self._destination.location
            made = self._options.signing.made(copied.digest, str(place), place.name)
        if along or made:
            self._destination.put_signatures((*along, *made), digest)
