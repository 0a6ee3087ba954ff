"""The bundle: `config.json` from what the user, the image, the settings and the hooks want."""

from __future__ import annotations

import os
import sys
import time

from .. import json
from ..cgroups.layout import layout
from ..errors import InvalidArgument
from ..spec import sysctls
from ..spec.generate import generate
from ..spec.host import here
from ..spec.notes import CONTAINER_TYPE, SANDBOX
from ..spec.plan import SpecPlan
from ..value import EMPTY
from . import mtab, notify, shm, workdir
from .joined import namespaces
from .mounts import resolve
from .request import SANDBOX_ITSELF
from .settled import settled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..cgroups.layout import CgroupLayout
    from ..contracts.runtime import OCIRuntime, OCISpec
    from ..engine import Engine
    from ..state.containers import Container
    from .network import Joined
    from .paths import Paths
    from .request import ContainerRequest


def write(
    engine: Engine,
    row: Container,
    request: ContainerRequest,
    runtime: OCIRuntime,
    rootfs: str,
    joined: Joined,
    files: dict[str, str],
    console: tuple[int, int],
) -> tuple[str, ...]:
    """Generate the spec and write it; returns the warnings of what this machine cannot do."""
    from .paths import Paths

    paths = Paths(engine, row.id)
    if request.secrets:
        from .secrets import environment

        request = request.replace(env={**request.env, **environment(engine, row, request)})
    plan = _plan(engine, row, request, rootfs).replace(
        hostname=joined.hostname,
        network_namespace=joined.namespace,
        files=files,
        console=console,
        runtime_config=runtime.config,
    )
    generated = generate(plan)
    spec = generated.spec
    workdir.ensure(rootfs, spec, request, row.id)
    mtab.ensure(rootfs, request)
    _set_outside(plan)
    if request.devices:
        _inject(engine, request, spec)
    hooks = _add_hooks(engine, request, spec)
    if notify.listeners(engine):
        engine.plugins.call("rundlet_container_spec", container=notify.view(engine, row), spec=spec)
    if hooks:
        from ..spec import oci_hooks

        spec = oci_hooks.filtered(spec, hooks)
    adapted = runtime.adapt(spec)
    store(paths, adapted.spec)
    return (*generated.warnings, *adapted.warnings)


def _plan(engine: Engine, row: Container, request: ContainerRequest, rootfs: str) -> SpecPlan:
    """What the request, the image and the settings say, without what was made for this start."""
    machine = layout(engine.settings.cgroup_manager)
    return SpecPlan(
        request=request,
        container=row.id,
        name=row.name,
        rootfs=rootfs,
        image=json.loads(row.extra).get("image", {}),
        settings=settled(engine, row),
        layout=machine,
        host=here(),
        mounts=resolve(engine, row, request, rootfs),
        shm=shm.mount(engine, row, request),
        namespaces=namespaces(engine, request),
        init_path=init_program(engine, request.init_path) if request.init else "",
        systemd=request.systemd == "always",
        cgroup=_split(machine, row) if request.cgroups == "split" else "",
        annotations=_of_pod(row, request),
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(row.created // 10**9)),
    )


def _split(machine: CgroupLayout, row: Container) -> str:
    from ..cgroups import split

    return split.payload(machine, row.id)


def _inject(engine: Engine, request: ContainerRequest, spec: OCISpec) -> None:
    """Add the devices that are asked for by CDI names."""
    from ..spec import cdi

    named = [device.source for device in request.devices if cdi.qualified(device.source)]
    cdi.inject(spec, named, engine.settings.cdi_spec_dirs or cdi.DIRECTORIES)


def _add_hooks(engine: Engine, request: ContainerRequest, spec: OCISpec) -> list[dict[str, Any]]:
    """Hooks of the machine's directories (oci-hooks(5)); those that are to change the spec."""
    hooks = [one for one in request.hooks_dirs or engine.settings.hooks_dirs if os.path.exists(one)]
    if not hooks:
        return []
    from ..spec import oci_hooks

    asked = any(mount.kind == "bind" for mount in request.mounts)
    return oci_hooks.add(spec, hooks, bind_mounts=asked)


def _set_outside(plan: SpecPlan) -> None:
    """Sysctls that the container's user namespace may not set. Raises InvalidArgument."""
    wanted = sysctls.of_foreign_network(plan)
    if not wanted:
        return
    from ..networks.namespace import Inside

    assert plan.network_namespace
    with Inside(plan.network_namespace):
        for name, value in wanted.items():
            try:
                with open(f"/proc/sys/{name.replace('.', '/')}", "w", encoding="utf-8") as file:
                    file.write(value)
            except OSError as error:
                raise InvalidArgument(f"sysctl {name}={value}: {error.strerror}") from None


def store(paths: Paths, spec: dict[str, object]) -> None:
    """Write config.json, whole or not at all."""
    temporary = f"{paths.config}.new"
    os.makedirs(paths.bundle, mode=0o700, exist_ok=True)  # what somebody removed is made again
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(json.dumps(spec))
    os.rename(temporary, paths.config)


def _of_pod(row: Container, request: ContainerRequest) -> Mapping[str, str]:
    """Annotations by which a runtime knows which pod, and machine, a container is of."""
    if not request.pod or not request.sandbox:
        return {SANDBOX: request.pod} if request.pod else EMPTY
    if request.sandbox == SANDBOX_ITSELF:
        return {SANDBOX: row.id, CONTAINER_TYPE: "sandbox"}
    return {SANDBOX: request.sandbox, CONTAINER_TYPE: "container"}


def init_program(engine: Engine, wanted: str = "") -> str:
    """The path of the wanted init program, or of catatonit; "" where that is not installed.

    Raises InvalidArgument where the wanted one, or that of the settings, is not there.
    """
    wanted = wanted or engine.settings.init_path
    if wanted and not os.access(wanted, os.X_OK):
        raise InvalidArgument(f"container-init binary not found on the host: {wanted}")
    candidates = (
        wanted,
        *(f"{directory}/catatonit" for directory in engine.settings.helper_binaries_dirs),
        "/usr/libexec/podman/catatonit",
        "/usr/bin/catatonit",
        "/usr/local/libexec/podman/catatonit",
        "/usr/libexec/catatonit/catatonit",
    )
    return next((path for path in candidates if path and os.access(path, os.X_OK)), "")


def warn(warnings: tuple[str, ...]) -> None:
    """Print what was lowered or left out, as podman's log does."""
    for text in warnings:
        sys.stderr.write(f"WARN[0000] {text}\n")
