"""storage.conf: [storage] and its tables."""

from __future__ import annotations

from .key import Key

_T = "storage"
_O = "storage.options"
_P = "storage.options.pull_options"
_V = "storage.options.overlay"
_PLACES = "two engines must not share a store by accident: graph_root, run_root of rundlet.toml"
_REMAP = "containers/storage has dropped it: give `--userns` or `--uidmap`"
_PARTS = "parts of zstd:chunked layers are reused where that saves a megabyte"
_DIGEST = "a layer is what its digest says"
_QUOTA = "there are no quotas"
_NONE = "there is no such driver"
_OPTION = "option of the driver"
_PROGRAM = "it needs a mount program; a warning says so when a container is made"
_KERNEL = (
    "the kernel mounts, and a warning says so when a container is made;"
    " `examples/fuse-overlayfs` is a driver of its own"
)
_HOME = "the home of layers is no mount"

STORAGE = (
    Key(_T, "driver", setting="storage_driver"),
    Key(_T, "driver_priority", setting="storage_driver_priority"),
    Key(_T, "graphroot", without=_PLACES),
    Key(_T, "imagestore", setting="image_store"),
    Key(_T, "rootless_storage_path", without=_PLACES),
    Key(_T, "runroot", without=_PLACES),
    Key(_T, "transient_store", setting="transient_store"),
    Key(_O, "additionalimagestores", setting="additional_image_stores"),
    Key(_O, "additionallayerstores", without="there is no daemon that would fetch their layers"),
    Key(_O, "auto-userns-max-size", setting="auto_userns_max_size"),
    Key(_O, "auto-userns-min-size", setting="auto_userns_min_size"),
    Key(_O, "disable-volatile", without="layers are volatile where `mountopt` says so alone"),
    Key(_O, "force_mask", without=_PROGRAM),
    Key(_O, "ignore_chown_errors", does=_OPTION),
    Key(_O, "mount_program", without=_KERNEL),
    Key(_O, "mountopt", does=f"{_OPTION} overlay"),
    Key(_O, "override_kernel_check", without="the driver tries what it needs"),
    Key(_O, "remap-gids", without=_REMAP),
    Key(_O, "remap-group", without=_REMAP),
    Key(_O, "remap-uids", without=_REMAP),
    Key(_O, "remap-user", without=_REMAP),
    Key(_O, "root-auto-userns-user", setting="auto_userns_user"),
    Key(_O, "size", without=_QUOTA),
    Key(_O, "skip_mount_home", without=_HOME),
    Key(_P, "convert_images", without="layers are kept as they came"),
    Key(_P, "enable_partial_images", without=_PARTS),
    Key(_P, "insecure_allow_unpredictable_image_contents", without=_DIGEST),
    Key(_P, "ostree_repos", without=_PARTS),
    Key(_P, "use_hard_links", without=_PARTS),
    Key(_V, "force_mask", without=_PROGRAM),
    Key(_V, "ignore_chown_errors", does=_OPTION),
    Key(_V, "inodes", without=_QUOTA),
    Key(_V, "mount_program", without=_KERNEL),
    Key(_V, "mountopt", does=_OPTION),
    Key(_V, "size", without=_QUOTA),
    Key(_V, "skip_mount_home", without=_HOME),
    Key(_V, "sync", without="what is unpacked is written back before an image is there"),
    Key(_V, "use_composefs", without=_NONE),
    Key("storage.options.vfs", "ignore_chown_errors", does=_OPTION),
    Key("storage.options.aufs", "*", without=_NONE),
    Key("storage.options.btrfs", "*", without=_NONE),
    Key("storage.options.thinpool", "*", without=_NONE),
    Key("storage.options.zfs", "*", without=_NONE),
)
