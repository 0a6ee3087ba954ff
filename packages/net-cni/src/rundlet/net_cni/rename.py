"""An attached container gets another name: others on its networks find it by that."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.contracts.network import Attachment

    from .parts import Parts


def rename(parts: Parts, attachment: Attachment, name: str) -> None:
    """The new name takes the place of the attachment's. Raises NetworkError."""
    for record in parts.cache.of(attachment.container):
        others = record.names[1:] if record.names[:1] == (attachment.name,) else record.names
        renamed = record.replace(names=(name, *others))
        parts.cache.write(renamed)
        parts.names.update(renamed)
