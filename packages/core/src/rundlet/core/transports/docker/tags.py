"""The tags of a repository (distribution-spec, "Listing Tags")."""

from __future__ import annotations

from .pages import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...images.reference import Reference
    from .client import Client


def list_tags(client: Client, reference: Reference) -> list[str]:
    """All tags, in the registry's order. Raises NotFound, Corrupt, RegistryError."""
    path, scope = f"{reference.path}/tags/list", f"repository:{reference.path}:pull"
    what = f"{reference.repository}: the tag list"
    return list(names(client, path, "tags", scope=scope, what=what))
