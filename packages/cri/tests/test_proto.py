"""The .proto is the whole CRI: every service, message, field and number of the facts."""

from __future__ import annotations

from rundlet.cri.proto import api_pb2 as cri
from rundlet.cri.rpc.methods import snake


def test_services_and_streams() -> None:
    services = cri.DESCRIPTOR.services_by_name
    runtime = {rpc.name: rpc.server_streaming for rpc in services["RuntimeService"].methods}
    assert len(runtime) == 37
    assert sorted(name for name, streams in runtime.items() if streams) == [
        "GetContainerEvents",
        "StreamContainerStats",
        "StreamContainers",
        "StreamPodSandboxMetrics",
        "StreamPodSandboxStats",
        "StreamPodSandboxes",
    ]
    assert len(services["ImageService"].methods) == 6


def test_numbers_that_are_out_of_order() -> None:
    security = cri.LinuxContainerSecurityContext.DESCRIPTOR.fields_by_name
    assert security["run_as_group"].number == 12
    assert security["supplemental_groups_policy"].number == 17
    assert cri.ImageSpec.DESCRIPTOR.fields_by_name["user_specified_image"].number == 18
    assert cri.ContainerConfig.DESCRIPTOR.fields_by_name["CDI_devices"].number == 17
    assert cri.SIGNAL_SIGRTMAX == 65


def test_names_of_methods() -> None:
    assert snake("RunPodSandbox") == "run_pod_sandbox"
    assert snake("ImageFsInfo") == "image_fs_info"
