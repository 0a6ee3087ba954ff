"""Containers without cgroups of their own: `--cgroups=disabled` (podman-run(1)).

They have no limits, cannot be paused and are not measured. Without a cgroup a pid namespace of
their own is what holds their processes together: when its first process ends, all do.
"""

from __future__ import annotations

from ..errors import InvalidArgument, NotSupported
from .request import Resources
from .stored import request_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..contracts.runtime import OCIRuntime
    from ..state.containers import Container
    from .request import ContainerRequest

_USUAL = ("", "enabled", "no-conmon")


def check(request: ContainerRequest, runtime: OCIRuntime) -> None:
    """What `--cgroups` asks for can be. Raises InvalidArgument, NotSupported."""
    if request.cgroups in _USUAL:
        return
    if request.cgroups == "split":
        _check_split(request, runtime)
        return
    if request.cgroups != "disabled":
        raise InvalidArgument(
            f"invalid cgroup mode {request.cgroups!r}",
            remedy="use enabled, no-conmon, split or disabled",
        )
    for conflict, why in (
        (request.cgroup_parent, "cannot set cgroup parent if not creating cgroups"),
        (request.cgroup not in ("", "host"), "--cgroups=disabled conflicts with --cgroupns"),
        (
            request.pid not in ("", "private"),
            "containers not creating Cgroups must create a private PID namespace",
        ),
        (
            request.resources != Resources(),
            "invalid configuration, cannot specify resource limits with cgroups disabled",
        ),
    ):
        if conflict:
            raise InvalidArgument(why)
    if not runtime.features().no_cgroup:
        raise NotSupported(
            f"OCI runtime {runtime.name} cannot run containers without cgroups",
            remedy="use --runtime crun, or --cgroups=enabled",
        )


def _check_split(request: ContainerRequest, runtime: OCIRuntime) -> None:
    if request.cgroup_parent:
        raise InvalidArgument("cannot specify --cgroups=split with a cgroup parent")
    if runtime.config.systemd_cgroup and not runtime.mixes_managers:
        raise NotSupported(
            f"--cgroups=split does not work with OCI runtime {runtime.name} where systemd manages"
            " cgroups",
            remedy="use --cgroup-manager=cgroupfs, or another runtime",
        )


def refuse(row: Container, what: str) -> None:
    """Raise NotSupported for what needs a cgroup, of a container that has none."""
    if request_of(row.request).cgroups == "disabled":
        raise NotSupported(
            f"cannot {what} container {row.id} as it did not create a cgroup:"
            " this container does not have a cgroup"
        )
