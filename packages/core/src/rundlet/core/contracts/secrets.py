"""Contract of a secret driver: small secret values by name.

Clauses
    SECRET-PROBE       the driver works here, or its probe says why not.
    SECRET-LIST        `list` gives the ids of all secrets, sorted.
    SECRET-ROUNDTRIP   `lookup` gives the stored bytes back, any bytes up to 512000.
    SECRET-PRIVATE     nothing readable by other users is written anywhere.
    SECRET-UNKNOWN     `lookup` and `delete` of an unknown id raise NoSuchSecret.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import ClassVar

    from .probe import Probe


class SecretDriver(ABC):
    """Base of all secret drivers. Constructed as `Driver(home, options)`."""

    contract_version: ClassVar[int] = 1
    name: ClassVar[str]
    shared: bool = False
    """Whether others keep values in the same place: one without a row may be theirs, and stays."""

    def __init__(self, home: str, options: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.options = dict(options or {})

    @abstractmethod
    def probe(self) -> Probe: ...

    @abstractmethod
    def store(self, secret: str, data: bytes) -> None:
        """Keep `data` under an id; replaces what was there, atomically."""

    @abstractmethod
    def lookup(self, secret: str) -> bytes: ...

    @abstractmethod
    def delete(self, secret: str) -> None: ...

    @abstractmethod
    def list(self) -> Sequence[str]:
        """Ids of all secrets of this driver, sorted."""
