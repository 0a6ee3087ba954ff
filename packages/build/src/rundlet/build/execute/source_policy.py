"""`--source-policy-file`: which sources a build may use, and which stand for others.

A JSON document as BuildKit has it: rules of an action (ALLOW, DENY, CONVERT), a selector and,
to convert, updates. The first rule that fits counts; what fits none is allowed
(buildah-build(1), --source-policy-file).
"""

from __future__ import annotations

import fnmatch
import json
import re

from rundlet.build.context import locations
from rundlet.core.errors import DeniedByPolicy, InvalidArgument
from rundlet.core.images.reference import parse
from rundlet.core.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_ACTIONS = ("ALLOW", "DENY", "CONVERT")
_MATCHES = ("EXACT", "WILDCARD")
_IMAGE = "docker-image://"
_TRANSPORT = "docker://"


class Rule(Value):
    """One rule. updated: what stands for the source, of CONVERT."""

    action: str
    identifier: str
    exact: bool = False
    updated: str = ""

    def fits(self, identifier: str) -> bool:
        """Whether it is about a source. `*` and `?` are the only wildcards."""
        if self.exact:
            return identifier == self.identifier
        pattern = self.identifier.replace("[", "[[]")
        return re.match(fnmatch.translate(pattern), identifier) is not None


class SourcePolicy(Value):
    """The rules of a file, in their order. path: the file's, for messages."""

    rules: tuple[Rule, ...] = ()
    path: str = ""

    def image(self, name: str) -> str:
        """What to use for an image's name. Raises DeniedByPolicy, InvalidArgument."""
        if not self.rules:
            return name
        try:
            full = str(parse(name.removeprefix(_TRANSPORT)).tagged())
        except InvalidArgument:
            return name  # an id, or of another transport
        found = self.source(f"{_IMAGE}{full}")
        if found == f"{_IMAGE}{full}":
            return name
        if not found.startswith(_IMAGE):
            raise InvalidArgument(f"{self.path}: {found} cannot stand for the image {name}")
        return found.removeprefix(_IMAGE)

    def sources(self, names: Sequence[str]) -> tuple[str, ...]:
        """What to use for the sources of an ADD, of which files of the context are none."""
        return tuple(
            self.source(name) if locations.is_http(name) or locations.is_git(name) else name
            for name in names
        )

    def source(self, identifier: str) -> str:
        """What to use for a source: `docker-image://`, `https://`, `git://`."""
        for rule in self.rules:
            if not rule.fits(identifier):
                continue
            if rule.action == "DENY":
                raise DeniedByPolicy(f"source {identifier} is denied by {self.path}")
            return rule.updated or identifier
        return identifier


def load(path: str) -> SourcePolicy:
    """Read a file. Raises InvalidArgument for what is no policy."""
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
    except OSError as error:
        raise InvalidArgument(f"--source-policy-file {path}: {error.strerror}") from None
    except ValueError as error:
        raise InvalidArgument(f"--source-policy-file {path}: not JSON: {error}") from None
    rules = document.get("rules", []) if isinstance(document, dict) else None
    if not isinstance(rules, list):
        raise InvalidArgument(f"--source-policy-file {path}: rules must be a list")
    return SourcePolicy(
        tuple(_rule(f"{path}: rule {number}", rule) for number, rule in enumerate(rules, 1)), path
    )


def _rule(where: str, rule: Any) -> Rule:
    selector = rule.get("selector") if isinstance(rule, dict) else None
    if not isinstance(selector, dict) or not isinstance(selector.get("identifier"), str):
        raise InvalidArgument(f"{where}: it needs a selector with an identifier")
    action, match = str(rule.get("action", "")), str(selector.get("matchType") or "WILDCARD")
    if action not in _ACTIONS:
        raise InvalidArgument(f"{where}: unknown action {action!r}", remedy=", ".join(_ACTIONS))
    if match not in _MATCHES:
        raise InvalidArgument(f"{where}: unknown matchType {match!r}", remedy=", ".join(_MATCHES))
    updated = str((rule.get("updates") or {}).get("identifier", ""))
    if (action == "CONVERT") != bool(updated):
        raise InvalidArgument(f"{where}: updates.identifier goes with CONVERT")
    return Rule(action, selector["identifier"], match == "EXACT", updated)
