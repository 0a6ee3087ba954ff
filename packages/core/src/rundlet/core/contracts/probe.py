"""What a driver says about itself on this machine."""

from __future__ import annotations

from ..value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Probe(Value):
    """The answer of a driver's `probe()`.

    works: whether the driver can do its whole contract here.
    reason: when it cannot, why, in words an operator can act on; when it can,
        empty or a remark ("private mount namespace: hybrid cgroups").
    details: facts found out on the way (version, path), for `plugin ls` and `info`.
    """

    works: bool
    reason: str = ""
    details: Mapping[str, str] = EMPTY
