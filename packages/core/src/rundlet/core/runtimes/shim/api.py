"""The messages of shims (containerd api/runtime/task/v2/shim.proto, v3 has the same fields),
of their events (api/events/task.proto, api/services/ttrpc/events/v1/events.proto), of their
options (runtime/v2/runc/options/oci.proto, pkg/runtimeoptions/v1/api.proto) and statistics
(cgroups v1 and v2, metrics.proto). Only the fields that are read or written are declared.
"""

from __future__ import annotations

from .protobuf import BYTES, STRING, STRINGS, VARINT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...contracts.runtime import Status
    from .protobuf import Message

ANY: Message = {"type_url": (1, STRING), "value": (2, BYTES)}
TIMESTAMP: Message = {"seconds": (1, VARINT), "nanos": (2, VARINT)}
EMPTY: Message = {}

_ID: Message = {"id": (1, STRING)}
_PROCESS: Message = {**_ID, "exec_id": (2, STRING)}
_EXIT: Message = {"exit_status": (1, VARINT), "exited_at": (2, TIMESTAMP)}

METHODS: dict[str, tuple[Message, Message]] = {
    "State": (
        _PROCESS,
        {"id": (1, STRING), "bundle": (2, STRING), "pid": (3, VARINT), "status": (4, VARINT),
         "exit_status": (9, VARINT), "exited_at": (10, TIMESTAMP)},
    ),
    "Create": (
        {**_ID, "bundle": (2, STRING), "terminal": (4, VARINT), "stdin": (5, STRING),
         "stdout": (6, STRING), "stderr": (7, STRING), "checkpoint": (8, STRING),
         "options": (10, ANY)},
        {"pid": (1, VARINT)},
    ),
    "Start": (_PROCESS, {"pid": (1, VARINT)}),
    "Delete": (
        _PROCESS,
        {"pid": (1, VARINT), "exit_status": (2, VARINT), "exited_at": (3, TIMESTAMP)},
    ),
    "Pids": (_ID, {"processes": (1, [{"pid": (1, VARINT)}])}),
    "Pause": (_ID, EMPTY),
    "Resume": (_ID, EMPTY),
    "Checkpoint": ({**_ID, "path": (2, STRING), "options": (3, ANY)}, EMPTY),
    "Kill": ({**_PROCESS, "signal": (3, VARINT), "all": (4, VARINT)}, EMPTY),
    "Exec": (
        {**_PROCESS, "terminal": (3, VARINT), "stdin": (4, STRING), "stdout": (5, STRING),
         "stderr": (6, STRING), "spec": (7, ANY)},
        EMPTY,
    ),
    "ResizePty": ({**_PROCESS, "width": (3, VARINT), "height": (4, VARINT)}, EMPTY),
    "CloseIO": ({**_PROCESS, "stdin": (3, VARINT)}, EMPTY),
    "Update": ({**_ID, "resources": (2, ANY), "annotations": (3, STRINGS)}, EMPTY),
    "Wait": (_PROCESS, _EXIT),
    "Stats": (_ID, {"stats": (1, ANY)}),
    "Connect": (
        _ID,
        {"shim_pid": (1, VARINT), "task_pid": (2, VARINT), "version": (3, STRING)},
    ),
    "Shutdown": ({**_ID, "now": (2, VARINT)}, EMPTY),
}  # fmt: skip
"""Request and response of each method of the service Task."""

STATUS: dict[int, Status] = {1: "created", 2: "running", 3: "stopped", 4: "paused", 5: "paused"}
"""containerd.v1.types.Status; 5 is PAUSING."""

PROCESS_SPEC = "types.containerd.io/opencontainers/runtime-spec/1/Process"
RESOURCES = "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources"
"""Type URLs of what is JSON inside an Any."""

EVENTS = "containerd.services.events.ttrpc.v1.Events"
ENVELOPE: Message = {
    "timestamp": (1, TIMESTAMP),
    "namespace": (2, STRING),
    "topic": (3, STRING),
    "event": (4, ANY),
}
FORWARD: Message = {"envelope": (1, ENVELOPE)}
EVENT_METHODS: dict[str, tuple[Message, Message]] = {"Forward": (FORWARD, EMPTY)}
OOM_EVENT: Message = {"container_id": (1, STRING)}
EXIT_EVENT: Message = {"container_id": (1, STRING), "id": (2, STRING)}
"""id: of the container's own process the container's, else of the exec session."""

RUNC_OPTIONS = "containerd.runc.v1.Options"
RUNC: Message = {
    "no_pivot_root": (1, VARINT),
    "no_new_keyring": (2, VARINT),
    "shim_cgroup": (3, STRING),
    "io_uid": (4, VARINT),
    "io_gid": (5, VARINT),
    "binary_name": (6, STRING),
    "root": (7, STRING),
    "systemd_cgroup": (9, VARINT),
    "criu_image_path": (10, STRING),
    "criu_work_path": (11, STRING),
}
RUNC_CHECKPOINT = "containerd.runc.v1.CheckpointOptions"
CHECKPOINT: Message = {"exit": (1, VARINT), "image_path": (8, STRING), "work_path": (9, STRING)}
KATA_OPTIONS = "runtimeoptions.v1.Options"
KATA: Message = {"type_url": (1, STRING), "config_path": (2, STRING)}

METRICS_V1: Message = {
    "pids": (2, {"current": (1, VARINT)}),
    "cpu": (3, {"usage": (1, {"total": (1, VARINT), "kernel": (2, VARINT)})}),
    "memory": (4, {"usage": (33, {"limit": (1, VARINT), "usage": (2, VARINT)})}),
    "blkio": (5, {"bytes": (1, [{"op": (1, STRING), "value": (5, VARINT)}])}),
}
METRICS_V2: Message = {
    "pids": (1, {"current": (1, VARINT)}),
    "cpu": (2, {"usage_usec": (1, VARINT), "system_usec": (3, VARINT)}),
    "memory": (4, {"usage": (32, VARINT), "usage_limit": (33, VARINT)}),
    "io": (6, {"usage": (1, [{"rbytes": (3, VARINT), "wbytes": (4, VARINT)}])}),
}
