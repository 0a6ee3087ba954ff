"""The container in which a pod's virtual machine is begun, for runtimes that have one (Kata).

Such a runtime makes a machine with the first container of a pod, and the others in it; when the
first ends, the machine does. So that is one of our own, which waits and does nothing else. The
containers find it by its id (ContainerRequest.sandbox). Clients do not see it; `rundlet ps` does.
"""

from __future__ import annotations

import os
import shutil

from rundlet.core import Engine
from rundlet.core.containers.bundle import init_program
from rundlet.core.containers.request import SANDBOX_ITSELF, ContainerRequest
from rundlet.core.containers.trees import remove_tree
from rundlet.core.errors import DriverUnavailable

from . import options
from .paths import Paths
from .record import Pod

PREFIX = "k8s_POD_"
"""Beginning of its name, as dockershim and CRI-O have it; no other container's has it."""
_PAUSE = "pause"


def needed(engine: Engine, runtime: str) -> bool:
    """Whether pods of a runtime have one."""
    return engine.plugins.runtime(runtime).sandboxed_pods


def make(engine: Engine, pod: Pod) -> None:
    """Create and start it. Raises DriverUnavailable, and what a start raises."""
    program = init_program(engine)
    if not program:
        raise DriverUnavailable(
            f"pods of runtime {pod.runtime} need catatonit, which is not installed",
            remedy="apt install catatonit, or set init_path",
        )
    root = Paths(engine, pod.id).machine
    for directory in ("", "dev", "proc", "sys", "etc", "run", "tmp"):
        os.makedirs(f"{root}/{directory}", mode=0o755, exist_ok=True)
    shutil.copy(program, f"{root}/{_PAUSE}")
    row = engine.containers.create(_request(engine, pod, root))
    engine.containers.start(row.id)


def _request(engine: Engine, pod: Pod, root: str) -> ContainerRequest:
    config = pod.sandbox
    paths = Paths(engine, pod.id)
    host = options.host_network(config)
    return ContainerRequest(
        rootfs=root,
        command=(f"/{_PAUSE}", "-P"),
        name=name_of(pod.name),
        pod=pod.id,
        sandbox=SANDBOX_ITSELF,
        hostname=options.hostname(config),
        annotations=dict(config.annotations),
        runtime=pod.runtime,
        network="host" if host else f"ns:{paths.netns}",
        uts="host" if host else f"ns:{paths.uts}",
        ipc="host" if options.host_ipc(config) else f"ns:{paths.ipc}",
        restart="no",
        log_driver="none",
        exit_command=False,  # the server watches the exit files
        cgroup_parent=config.linux.cgroup_parent,
        oom_score_adj=-998,  # of containers that must outlive the pod's others
        systemd="false",
        sdnotify="ignore",  # systemd watches the server
    )


def name_of(pod: str) -> str:
    """Its name. pod: the sandbox's."""
    return f"{PREFIX}{pod.removeprefix('k8s_')}"


def identity(engine: Engine, pod: Pod) -> str:
    """Its id; "" for a pod without one."""
    found = engine.database.row("SELECT id FROM containers WHERE name = ?", name_of(pod.name))
    return "" if found is None else str(found[0])


def clear(engine: Engine, pod: str) -> None:
    """Remove its files; it is removed already, with the pod's containers."""
    remove_tree(Paths(engine, pod).machine)
