"""Short names: what "alpine" or "team/tool:1" may mean.

containers-registries.conf(5), "Short-Name Aliasing": an alias is final; else each
unqualified-search registry is a candidate, in order. Without either a short name means
nothing: guessing a registry would let whoever owns a name there answer for it.
"""

from __future__ import annotations

from ..errors import InvalidArgument
from ..value import Value
from . import reference as references

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..engine import Engine
    from .reference import Reference
    from .registries import RegistriesConf


class Resolved(Value):
    """What a name may mean, best first; `why` is podman's line about it, "" for a full name."""

    candidates: tuple[Reference, ...]
    why: str = ""


def resolved(engine: Engine, text: str) -> Resolved:
    """`resolve` with the registries.conf that an engine is configured with."""
    from . import registries_conf

    conf = registries_conf.load(engine.settings.registries_conf)
    mode = engine.settings.short_name_mode
    return resolve(text, conf.replace(short_name_mode=mode) if mode else conf)


def resolve(text: str, conf: RegistriesConf) -> Resolved:
    """The full names to try for what a user typed, with tags.

    Raises InvalidArgument, in podman's words, for a short name that leads nowhere.
    """
    parsed = references.parse(text)  # checks the form of short ones too
    if not references.is_short(text):
        return Resolved((parsed.tagged(),))
    short = short_name(text)
    alias = conf.aliases.get(short)
    if alias is not None:
        why = f'Resolved "{short}" as an alias ({conf.alias_origins[short]})'
        return Resolved((_aliased(alias, parsed),), why)
    if not conf.search:
        raise InvalidArgument(
            f'short-name "{text}" did not resolve to an alias and no unqualified-search'
            f' registries are defined in "{conf.path}"',
            remedy=f"Give the registry too (docker.io/{parsed.path}), or set"
            f' unqualified-search-registries = ["docker.io"] in {conf.path}.',
        )
    if conf.short_name_mode == "enforcing" and len(conf.search) > 1:
        raise InvalidArgument(
            f'short-name resolution enforced but cannot prompt without a TTY: "{text}" could be'
            f" of {', '.join(conf.search)}",
            remedy="Give the registry too, or add an alias.",
        )
    why = f'Resolving "{short}" using unqualified-search registries ({conf.search_origin})'
    return Resolved(tuple(_under(host, text) for host in conf.search), why)


def alias(engine: Engine, text: str) -> Reference | None:
    """The full name that a short one is an alias of, None where it is none."""
    from . import registries_conf

    if not references.is_short(text):
        return None
    found = registries_conf.load(engine.settings.registries_conf).aliases.get(short_name(text))
    return _aliased(found, references.parse(text)) if found else None


def _aliased(alias: str, short: Reference) -> Reference:
    return references.parse(alias).replace(tag=short.tag, digest=short.digest).tagged()


def short_name(text: str) -> str:
    """A short name without tag and digest: the key of an alias."""
    text = text.partition("@")[0]
    head, colon, tag = text.rpartition(":")
    return head if colon and "/" not in tag else text


def _under(host: str, text: str) -> Reference:
    """A short name at a registry (which may be given with a namespace)."""
    return references.parse(f"{host}/{text}").tagged()
