"""Secrets: names, labels and drivers in the state, values in a secret driver.

Order of writing: the value first, then the row, so that a row always has its value. What a
killed process left without a row is deleted by the next one that makes a secret, but not in
places that others use too.
"""

from __future__ import annotations

import json
import os
import time

from ..errors import (
    AlreadyExists,
    AmbiguousName,
    Corrupt,
    InvalidArgument,
    NoSuchSecret,
    RundletError,
)
from ..format.times import rfc3339
from ..value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from ..contracts.secrets import SecretDriver
    from ..engine import Engine

LONGEST_NAME = 253
LARGEST = 512000
"""Bytes of a value (podman-secret-create(1))."""

_COLUMNS = "id, name, driver, created, updated, labels, options"


class Secret(Value):
    """One secret without its value. Times are in nanoseconds since the epoch."""

    id: str
    name: str
    driver: str
    created: int
    updated: int
    labels: Mapping[str, str] = EMPTY
    options: Mapping[str, str] = EMPTY


if TYPE_CHECKING:
    Many = list[Secret]  # the name that `list` has inside the class is the method's


class Secrets:
    """The secrets of one graph root: `engine.secrets`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def store(
        self,
        name: str,
        data: bytes,
        *,
        driver: str = "",
        options: Mapping[str, str] = EMPTY,
        labels: Mapping[str, str] = EMPTY,
        replace: bool = False,
    ) -> Secret:
        """Keep a new secret. With `replace`, one of the same name goes at the same moment.

        options: of the driver; those of the settings are for the driver that they name.
        Raises InvalidArgument for a name or size that podman refuses, AlreadyExists.
        """
        _check(name, data)
        settings = self._engine.settings
        chosen = driver or settings.secret_driver
        if not options and chosen == settings.secret_driver:
            options = settings.secret_options
        keeper = self._driver(chosen, options)
        now = time.time_ns()
        secret = Secret(
            os.urandom(13).hex()[:25], name, chosen, now, now, dict(labels), dict(options)
        )
        with self._engine.locks.hold("secrets", chosen):
            before = self._named(name)
            if before is not None and not replace:
                raise AlreadyExists(f"{name}: secret name in use")
            if before is not None:
                secret = secret.replace(created=before.created)
            if not keeper.shared:
                self._collect(chosen, keeper)
            keeper.store(secret.id, data)
            self._insert(secret, before)
        if before is not None:
            self._forget(before)
        return secret

    def _insert(self, secret: Secret, before: Secret | None) -> None:
        import sqlite3

        database = self._engine.database
        try:
            with database.transaction():
                if before is not None:
                    database.execute("DELETE FROM secrets WHERE id = ?", before.id)
                database.execute(
                    f"INSERT INTO secrets ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    *(secret.id, secret.name, secret.driver, secret.created, secret.updated),
                    *(json.dumps(secret.labels), json.dumps(secret.options)),
                )
                if before is not None:
                    self._note("remove", before)
                self._note("create", secret)
        except sqlite3.IntegrityError:  # by a process that uses another driver
            self._forget(secret)
            raise AlreadyExists(f"{secret.name}: secret name in use") from None

    def get(self, name: str) -> Secret:
        """By name, id, or the unique beginning of an id. Raises NoSuchSecret, AmbiguousName."""
        found = self.find(name)
        if found is None:
            raise NoSuchSecret(name)
        return found

    def find(self, name: str) -> Secret | None:
        """As `get`, or None."""
        secret = self._named(name)
        if secret is not None or not name:
            return secret
        rows = self._rows("WHERE substr(id, 1, ?) = ?", len(name), name)
        if len(rows) > 1:
            raise AmbiguousName(f"more than one secret has an id that begins with {name}")
        return rows[0] if rows else None

    def lookup(self, name: str) -> bytes:
        """The value. Raises NoSuchSecret, Corrupt when the driver has lost it."""
        secret = self.get(name)
        try:
            return self._driver(secret.driver, secret.options).lookup(secret.id)
        except NoSuchSecret:
            raise _lost(secret) from None

    def damaged(self) -> Iterator[RundletError]:
        """What is wrong with those whose driver does not know them, or does not work."""
        for secret in self.list():
            try:
                if secret.id not in self._driver(secret.driver, secret.options).list():
                    yield _lost(secret)
            except RundletError as error:
                yield error

    def list(self) -> Many:
        """All secrets, by name."""
        return self._rows("ORDER BY name")

    def inspect(self, name: str, *, show_value: bool = False) -> dict[str, Any]:
        """The document that `podman secret inspect` prints."""
        secret = self.get(name)
        document: dict[str, Any] = {
            "ID": secret.id,
            "CreatedAt": rfc3339(secret.created),
            "UpdatedAt": rfc3339(secret.updated),
            "Spec": {
                "Name": secret.name,
                "Driver": {"Name": secret.driver, "Options": dict(secret.options)},
                "Labels": dict(secret.labels),
            },
        }
        if show_value:
            document["SecretData"] = self.lookup(secret.id).decode(errors="replace")
        return document

    def remove(self, name: str) -> str:
        """Delete a secret; returns its id. Containers that have it keep their copy."""
        secret = self.get(name)
        shared = self._driver(secret.driver, secret.options).shared
        if shared:  # nothing would collect there what cannot be deleted now
            self._forget(secret)
        with self._engine.database.transaction():
            self._engine.database.execute("DELETE FROM secrets WHERE id = ?", secret.id)
            self._note("remove", secret)
        if not shared:
            self._forget(secret)
        return secret.id

    # --- rows and values

    def _rows(self, where: str, *values: object) -> Many:
        rows = self._engine.database.rows(f"SELECT {_COLUMNS} FROM secrets {where}", *values)
        return [_secret(*row) for row in rows]

    def _note(self, action: str, secret: Secret) -> None:
        """Add a line to `rundlet events`."""
        from ..state import events

        engine = self._engine
        events.note(
            engine.database, "secret", action, secret.id, secret.name, plugins=engine.plugins
        )

    def _named(self, name: str) -> Secret | None:
        rows = self._rows("WHERE name = ? OR id = ? ORDER BY name = ? DESC", name, name, name)
        return rows[0] if rows else None

    def _driver(self, name: str, options: Mapping[str, str]) -> SecretDriver:
        return self._engine.plugins.secret(name, options)

    def _forget(self, secret: Secret) -> None:
        """Delete a value; one that is gone already is no error."""
        try:
            self._driver(secret.driver, secret.options).delete(secret.id)
        except NoSuchSecret:
            pass

    def _collect(self, driver: str, keeper: SecretDriver) -> None:
        """Delete values without a row. The lock is held: none of them is on its way."""
        known = {row.id for row in self._rows("WHERE driver = ?", driver)}
        for secret in keeper.list():
            if secret not in known and _is_id(secret):
                keeper.delete(secret)


def _lost(secret: Secret) -> Corrupt:
    return Corrupt(
        f"secret {secret.name}: the driver {secret.driver} has lost its value, {secret.id}",
        remedy=f"Remove it (rundlet secret rm {secret.name}), and create it again.",
    )


def _secret(
    id: str, name: str, driver: str, created: int, updated: int, labels: str, options: str
) -> Secret:
    return Secret(id, name, driver, created, updated, json.loads(labels), json.loads(options))


def _is_id(text: str) -> bool:
    """Whether we could have made it: a driver's store may be shared with others."""
    return len(text) == 25 and not text.strip("0123456789abcdef")


def _check(name: str, data: bytes) -> None:
    """podman's rules for names and sizes (pkg/secrets of containers/common)."""
    if not 0 < len(name) <= LONGEST_NAME or any(letter in name for letter in "=/,\0"):
        raise InvalidArgument(
            f"secret name {name!r} can not include '=', '/', ',', or the NULL ('\\0') and be"
            f" between 1 and {LONGEST_NAME} characters: invalid secret name"
        )
    if not 0 < len(data) < LARGEST:
        raise InvalidArgument(
            f"secret data must be larger than 0 and less than {LARGEST} bytes: got {len(data)}"
        )
