"""Version, Status and RuntimeConfig: what this node is."""

from __future__ import annotations

import json

from rundlet.core import Engine
from rundlet.core.cgroups.layout import layout

from .. import __version__
from ..conditions import handlers, runtime
from ..config.setup import config_of
from ..proto import api_pb2 as cri
from . import handlers as runtime_handlers
from .network import NetworkState

API_VERSION = "v1"
KUBELET_API_VERSION = "0.1.0"


def version() -> cri.VersionResponse:
    """`version` is that of the kubelet runtime API, which has never moved."""
    return cri.VersionResponse(
        version=KUBELET_API_VERSION,
        runtime_name="rundlet",
        runtime_version=__version__,
        runtime_api_version=API_VERSION,
    )


def status(engine: Engine, verbose: bool, network: NetworkState) -> cri.StatusResponse:
    """Conditions, handlers and features; with verbose the settings that matter as JSON."""
    grace = config_of(engine).seconds("crio.network.cni_status_grace_period")
    found = (runtime(engine), network.condition(engine, grace))
    answer = cri.StatusResponse(
        status=cri.RuntimeStatus(
            conditions=[cri.RuntimeCondition(**one.as_dict()) for one in found]
        ),
        runtime_handlers=runtime_handlers.listed(engine),
        features=cri.RuntimeFeatures(
            supplemental_groups_policy=True, user_namespaces_host_network=True, mount_options=True
        ),
    )
    if verbose:
        answer.info["config"] = json.dumps(_configuration(engine))
    return answer


def _configuration(engine: Engine) -> dict[str, object]:
    settings = engine.settings
    return {
        "root": settings.graph_root,
        "runroot": settings.run_root,
        "storageDriver": engine.layers.driver.name,
        "cgroupManager": layout(settings.cgroup_manager).manager,
        "defaultRuntime": settings.runtime,
        "handlers": handlers(engine),
    }


def runtime_config(engine: Engine) -> cri.RuntimeConfigResponse:
    """Which cgroup driver kubelet must use too."""
    manager = layout(engine.settings.cgroup_manager).manager
    driver = cri.SYSTEMD if manager == "systemd" else cri.CGROUPFS
    return cri.RuntimeConfigResponse(linux=cri.LinuxRuntimeConfiguration(cgroup_driver=driver))
