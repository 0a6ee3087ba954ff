"""The table [crio]: where things are."""

from __future__ import annotations

from .key import Key

_T = "crio"

KEYS = (
    Key(_T, "root", "", "Directory of images, containers and all state that lasts", "root", "r"),
    Key(_T, "runroot", "", "Directory of the state that ends with a reboot", "runroot"),
    Key(_T, "imagestore", "", "Directory of the files of images, where it is not root",
        "imagestore"),
    Key(_T, "storage_driver", "", "Storage driver: overlay, vfs", "storage-driver", "s"),
    Key(_T, "storage_option", (), "Options of the storage driver, as DRIVER.KEY=VALUE",
        "storage-opt"),
    Key(_T, "log_dir", "/var/log/crio/pods", "Logs of pods for which kubelet names no directory",
        "log-dir"),
    Key(_T, "version_file", "",
        "Is gone after a reboot, and containers with it; else version below runroot",
        "version-file"),
    Key(_T, "version_file_persist", "",
        "Tells the version that images were pulled by: they are wiped after an upgrade",
        "version-file-persist"),
    Key(_T, "internal_wipe", True,
        "Wipe containers after a reboot, and images after an upgrade, when the server starts",
        "internal-wipe"),
    Key(_T, "internal_repair", True, "Check the store after a sudden end, and repair it",
        "internal-repair"),
    Key(_T, "clean_shutdown_file", "",
        "Is there when the server ended in order; else clean.shutdown below root",
        "clean-shutdown-file"),
    Key(_T, "file_locking", False, "Locks in files", gone=True,
        without="every object is locked by a file of its own"),
    Key(_T, "file_locking_path", "", "The file of the lock", gone=True,
        without="every object is locked by a file of its own"),
)  # fmt: skip
