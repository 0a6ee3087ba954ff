"""What registries.conf says of names: where they lead to, which are mirrored, blocked or insecure.

containers-registries.conf(5). `registries_conf` reads it.
"""

from __future__ import annotations

from ..errors import DeniedByPolicy, InvalidArgument, SettingsError
from ..value import EMPTY, Value
from . import reference as references

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .reference import Reference

DEFAULT_PATH = "/etc/containers/registries.conf"


class Mirror(Value):
    """Another place that has the same images. use: "all" | "digest-only" | "tag-only".

    proxy: the URL of the one to reach it by, "" as the environment says.
    """

    location: str
    insecure: bool = False
    use: str = "all"
    proxy: str = ""


class Registry(Value):
    """One `[[registry]]`: names that begin with `prefix` are found at `location`.

    prefix: host, host/namespace, host/repository, or "*.domain". location "": as named. proxy: as
    of a mirror, which does not inherit it.
    """

    prefix: str
    location: str = ""
    insecure: bool = False
    blocked: bool = False
    mirrors: tuple[Mirror, ...] = ()
    proxy: str = ""


class Place(Value):
    """One place to try: the reference to ask for there, whether TLS is not verified, whether it is
    a mirror, and the proxy to reach it by ("" as the environment says).
    """

    reference: Reference
    insecure: bool = False
    mirror: bool = False
    proxy: str = ""


class RegistriesConf(Value):
    """The whole configuration. Origins name the file that an entry came from.

    aliases: short name to repository ("host/path"). search: unqualified-search-registries.
    helpers: `credential-helpers`, () when not configured.
    """

    path: str = DEFAULT_PATH
    search: tuple[str, ...] = ()
    search_origin: str = DEFAULT_PATH
    aliases: Mapping[str, str] = EMPTY
    alias_origins: Mapping[str, str] = EMPTY
    registries: tuple[Registry, ...] = ()
    short_name_mode: str = "permissive"
    helpers: tuple[str, ...] = ()

    def registry(self, reference: Reference) -> Registry | None:
        """The entry with the longest prefix that a name falls under, or None."""
        name = str(reference)
        matching = [item for item in self.registries if _matched(name, item.prefix)]
        return max(matching, key=lambda item: len(item.prefix), default=None)

    def places(self, reference: Reference) -> tuple[Place, ...]:
        """Where to pull a name from: its mirrors in order, then its own place.

        Raises DeniedByPolicy when it is blocked, SettingsError when a rewritten name is none.
        """
        own = self.own_place(reference)
        entry = self.registry(reference)
        if entry is None:
            return (own,)
        kind = "digest-only" if reference.digest else "tag-only"
        mirrors = tuple(
            Place(
                self._moved(reference, entry.prefix, mirror.location),
                mirror.insecure,
                True,
                mirror.proxy,
            )
            for mirror in entry.mirrors
            if mirror.use in ("all", kind)
        )
        moved = self._moved(reference, entry.prefix, entry.location)
        return (*mirrors, own.replace(reference=moved))

    def own_place(self, reference: Reference) -> Place:
        """Where to push, list tags and delete: as named, for `location` and mirrors are of reading
        an image alone. Raises DeniedByPolicy when it is blocked.
        """
        entry = self.registry(reference)
        if entry is None:
            return Place(reference)
        if entry.blocked:
            raise DeniedByPolicy(
                f"registry {entry.prefix} is blocked in {self.path}, or a file laid over it"
            )
        return Place(reference, entry.insecure, proxy=entry.proxy)

    def _moved(self, reference: Reference, prefix: str, location: str) -> Reference:
        """The reference with its matched prefix replaced by a location."""
        if not location:
            return reference
        text = str(reference)
        moved = location + text[_matched(text, prefix) :]
        try:
            return references.parse(moved)
        except InvalidArgument as error:
            raise SettingsError(
                f"{self.path}: prefix {prefix!r} with location {location!r} turns {text} into"
                f" {moved}: {error.message}"
            ) from None


def _matched(name: str, prefix: str) -> int:
    """How many characters of a name a prefix covers; 0 when it does not match.

    It ends at a boundary of the name: "example.com/a" does not cover "example.com/ab".
    """
    if prefix.startswith("*."):
        host = name.partition("/")[0]
        at = host.find(prefix[1:].partition("/")[0])
        end = at + len(prefix) - 1
        if at < 1 or name[at:end] != prefix[1:]:
            return 0
    elif name.startswith(prefix):
        end = len(prefix)
    else:
        return 0
    return end if end == len(name) or name[end] in ":/@" else 0
