"""Looking for images in registries (podman-search(1))."""

from __future__ import annotations

from ..errors import RegistryError, RundletError
from ..transports.docker.search import Found, search
from . import registries_conf
from .reference import is_short
from .telling import told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..contracts.transport import TransportSettings
    from ..engine import Engine


def find(
    engine: Engine, term: str, limit: int, settings: TransportSettings
) -> tuple[Sequence[Found], Sequence[str]]:
    """What the registries have: of the term, else all unqualified-search ones of registries.conf.

    term: "busybox", "quay.io/podman/hello", or "quay.io/" for all of a registry. limit: of each
    registry. Returns what was found and, where some registries failed, why; raises
    RegistryError when all did.
    """
    settings = told(engine, settings)
    if not is_short(term):
        host, _, rest = term.partition("/")
        return search(host, rest, limit, settings), ()
    conf = registries_conf.load(engine.settings.registries_conf)
    found: list[Found] = []
    problems = []
    for registry in conf.search:
        try:
            found += search(registry, term, limit, settings)
        except RundletError as error:
            problems.append(f'couldn\'t search registry "{registry}": {error.message}')
    if problems and len(problems) == len(conf.search):
        raise RegistryError("; ".join(problems))
    return found, problems
