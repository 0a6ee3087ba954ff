"""OCI hooks by file: programs that the runtime runs at stages of a container's life.

Each `*.json` of a directory names a hook and when it applies (oci-hooks(5), schema 1.0.0, and
0.1.0, which has no `version`). A file in a later directory stands for one of the same name
in an earlier one; hooks run in the order of the names.
"""

from __future__ import annotations

import json
import os
import re

from ..errors import InvalidArgument, RuntimeFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

STAGES = (
    *("prestart", "createRuntime", "createContainer", "startContainer"),
    *("poststart", "poststop"),
)
"""Of the runtime-spec (config.md#posix-platform-hooks)."""


PRECREATE = "precreate"
"""podman's own stage: before the runtime gets the spec, which such a hook may change."""


def add(
    spec: dict[str, Any], directories: Iterable[str], *, bind_mounts: bool
) -> list[dict[str, Any]]:
    """Put the hooks that apply into a spec; returns those of PRECREATE, for `filtered`.

    bind_mounts: whether the user asked for any. Raises InvalidArgument for a bad file.
    """
    before = []
    for path in _files(directories):
        document = _read(path)
        found = _modern if "version" in document else _ancient
        hook, stages, applies = found(path, document, spec, bind_mounts)
        for stage in stages:
            if stage not in (*STAGES, PRECREATE):
                raise InvalidArgument(
                    f"{path}: unknown stage {stage!r}",
                    remedy=f"Known are {', '.join((*STAGES, PRECREATE))}.",
                )
            if applies and stage == PRECREATE:
                before.append(hook)
            elif applies:
                spec.setdefault("hooks", {}).setdefault(stage, []).append(hook)
    return before


def filtered(spec: dict[str, Any], hooks: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The spec as hooks of PRECREATE make it: each gets it on standard input, and answers.

    Raises RuntimeFailed for one that fails, takes longer than its `timeout` (seconds), or does
    not answer with a JSON object.
    """
    from ..linux.processes import run

    for hook in hooks:
        program = hook["path"]
        variables = dict(text.partition("=")[::2] for text in hook.get("env") or ())
        try:
            done = run(
                hook.get("args") or [program],
                program=program,
                stdin=json.dumps(spec).encode(),
                environment=variables or None,
                timeout=hook.get("timeout"),
            )
        except (OSError, TimeoutError) as error:
            raise RuntimeFailed(f"the precreate hook {program}: {error}") from None
        if done.code:
            said = done.stderr.decode(errors="replace").strip()
            raise RuntimeFailed(f"the precreate hook {program} exited with {done.code}: {said}")
        try:
            spec = json.loads(done.stdout)
        except ValueError:
            spec = {}
        if not isinstance(spec, dict) or not spec:
            raise RuntimeFailed(f"the precreate hook {program} did not answer with a config.json")
    return spec


def _files(directories: Iterable[str]) -> list[str]:
    found: dict[str, str] = {}
    for directory in directories:
        try:
            names = os.listdir(directory)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise InvalidArgument(f"--hooks-dir {directory}: {error.strerror}") from None
        found.update((name, f"{directory}/{name}") for name in names if name.endswith(".json"))
    return [found[name] for name in sorted(found, key=str.lower)]


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
    except (OSError, ValueError) as error:
        raise InvalidArgument(f"the OCI hook {path} cannot be read: {error}") from None
    if not isinstance(document, dict):
        raise InvalidArgument(f"the OCI hook {path} is no JSON object")
    return document


_Found = tuple[dict[str, "Any"], list[str], bool]


def _modern(path: str, document: dict[str, Any], spec: dict[str, Any], binds: bool) -> _Found:
    """Schema 1.0.0: all the conditions of `when` that are there must hold."""
    if document["version"] != "1.0.0":
        raise InvalidArgument(f"{path}: unknown version {document['version']!r} of oci-hooks(5)")
    when = document.get("when") or {}
    conditions = []
    if "always" in when:
        conditions.append(bool(when["always"]))
    if "hasBindMounts" in when:
        conditions.append(binds or not when["hasBindMounts"])
    for key, value in (when.get("annotations") or {}).items():
        pairs = spec.get("annotations", {}).items()
        conditions.append(any(_fits(path, key, k) and _fits(path, value, v) for k, v in pairs))
    if when.get("commands"):
        conditions.append(_command(path, when["commands"], spec))
    stages = document.get("stages")
    if not isinstance(stages, list) or not stages:
        raise InvalidArgument(f"{path}: stages are needed")
    return _hook(path, document.get("hook")), stages, bool(conditions) and all(conditions)


def _ancient(path: str, document: dict[str, Any], spec: dict[str, Any], binds: bool) -> _Found:
    """Schema 0.1.0: one condition is enough."""
    commands = document.get("cmds") or document.get("cmd") or []
    wanted = document.get("annotations") or document.get("annotation") or []
    values = spec.get("annotations", {}).values()
    applies = (
        (bool(document.get("hasbindmounts")) and binds)
        or _command(path, commands, spec)
        or any(_fits(path, one, value) for one in wanted for value in values)
    )
    program = document.get("hook")
    words = document.get("arguments") or []
    hook = {"path": program, "args": [program, *words]} if words else {"path": program}
    return _hook(path, hook), list(document.get("stages") or document.get("stage") or ()), applies


def _command(path: str, patterns: Iterable[str], spec: Mapping[str, Any]) -> bool:
    words = spec.get("process", {}).get("args") or [""]
    return any(_fits(path, pattern, words[0]) for pattern in patterns)


def _fits(path: str, pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except (re.error, TypeError) as error:
        raise InvalidArgument(f"{path}: {pattern!r} is no regular expression: {error}") from None


def _hook(path: str, hook: Any) -> dict[str, Any]:
    program = hook.get("path") if isinstance(hook, dict) else None
    if not isinstance(program, str) or not os.path.isabs(program):
        raise InvalidArgument(f"{path}: the hook needs the absolute path of a program")
    if not os.path.exists(program):
        raise InvalidArgument(f"{path}: the hook's program {program} is not there")
    return {key: hook[key] for key in ("path", "args", "env", "timeout") if hook.get(key)}
