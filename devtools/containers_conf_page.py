"""`python -m devtools.containers_conf_page`: writes docs/containers-conf.md, key by key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rundlet.core.settings.keys import CONTAINERS_CONF, STORAGE_CONF, Key

PAGE = Path(__file__).parents[1] / "docs/containers-conf.md"
_HEAD = """\
# containers.conf and storage.conf, key by key

All programs read `containers.conf` and `storage.conf` where podman reads them, drop-ins, modules
and `CONTAINERS_CONF`, `CONTAINERS_CONF_OVERRIDE` and `CONTAINERS_STORAGE_CONF` included
(containers.conf(5), containers-storage.conf(5)). What `rundlet.toml` says comes after them, then
`RUNDLET_` variables, then flags. A wrong value is an error that names file and key. A key that
is not in this table is named in a warning.

This page is made by `python -m devtools.containers_conf_page`, and a test holds it.
"""
_TAIL = """\
## Additional image stores

`additionalimagestores` names other roots; so does `--storage-opt additionalimagestore=ROOT`. They
are graph roots of Rundlet, or stores of podman, buildah and CRI-O (containers/storage), made with
the same storage driver: overlay or vfs. Their images are listed (`images` has a column R/O), run,
built from, saved and pushed, and never changed, removed or pruned; a layer that is there is not
pulled again. So whoever comes from podman has all images at once, with
`additionalimagestores = ["/var/lib/containers/storage"]`.

- What is changed there is seen by the next command that uses images; `rundlet-cri` looks when it
  starts.
- An image that is tagged or pulled here is ours from then on, as in podman; its files stay there.
- A root that is gone or damaged is an error of every command that uses images, and names it. An
  image that is removed there is gone here too, also for containers and images that stand on it:
  `system check` says what is gone, and where it was. It may come back: `--repair` removes nothing
  for that.
- podman's stores are read without a lock, and wait for nothing: its files are replaced as a whole.
  They keep no compressed layers. `save`, `push` and commits give out the very archives that the
  image's config names (tar-split), compressed anew where that is wanted; so a manifest has another
  digest than the one it came with, as with podman's own `push`. A damaged image is left out, and
  named in a warning. Manifest lists, artifacts, signatures and images of Docker's schema 1 are not
  seen. A store of another user (rootless podman), composefs and force_mask are refused.
- A container with a user namespace sees the layers with its own owners, without copies, where the
  file systems have idmapped mounts; elsewhere it gets copies.
- There are no additional layer stores (`additionallayerstores`): they are directories of a file
  system that fetches layers when they are asked for, by a daemon.

## The image store

With `imagestore` (`image_store` of rundlet.toml, `--imagestore`; of CRI-O's file for `rundlet-cri`)
the files of images, layers and compressed layers, are in that directory: on a partition of its own,
if you like. All else is in the graph root: containers, volumes, and the list of images. The store
is made from an empty directory, by what first pulls, loads or builds; images that were in the graph
root before stay there, and can be used as ever.

- A graph root keeps its image store: it is used without the flag too, and another one is refused.
  `--root` without `--imagestore` means none but the store that this root has: what is configured
  goes with the root that is configured.
- Several graph roots may have one store. Each lists and removes images of its own, and a file is
  there once: what another one has pulled is not fetched or unpacked again. A file goes when
  nobody's image needs it, so that removing an image here takes nothing from containers there;
  podman's `rmi` does. podman lists the images of a store in all roots. Here those of other roots
  are listed where `additionalimagestores` names these; containers made from them keep their files.
- What a graph root may need that is not where it was, because its disk is not mounted, is kept.
  `system check` names it, and what to remove if it is gone for good; one that was moved is known
  again when it is used.
- `system reset` leaves the store in order, and removes it with the last graph root that has it.
- A store whose disk is not mounted is an error of what pulls, builds or removes images; containers
  that are there can be listed and removed.

## Environment variables

Those that podman and its libraries document, beside the three that name files (above).

| variable | what it is here |
|---|---|
| `CONTAINERS_REGISTRIES_CONF` | The `registries.conf` that is read, without drop-ins |
| `CONTAINERS_REGISTRIES_CONF_OVERRIDE` | One more, read last |
| `CONTAINERS_POLICY_JSON` | The `policy.json` that is read |
| `REGISTRY_AUTH_FILE`, `DOCKER_CONFIG` | Where credentials are |
| `STORAGE_DRIVER` | Default of `--storage-driver`: over the files, under `RUNDLET_STORAGE_DRIVER` |
| `STORAGE_OPTS` | Options of the driver, with commas between: over those of the files (1) |
| `TMPDIR` | Where skopeo's archives are taken apart (2) |
| `PODMAN_USERNS` | Default of `run --userns`, where there is no `--pod`, `--uidmap` or `--gidmap` |
| `CONTAINER_HOST`, `CONTAINER_CONNECTION` | Refused, as `--url` and `--connection` are |
| `CONTAINER_SSHKEY` | **No effect**: nothing is remote |
| `NOTIFY_SOCKET` | As `--sdnotify` says |
| `LISTEN_FDS`, `LISTEN_FDNAMES` | Given to the container, with the descriptors from 3 on |
| `HTTP_PROXY` and the like | Used by pulls; given to containers unless `--http-proxy=false` |
| `XDG_CONFIG_HOME`, `XDG_DATA_HOME`, `XDG_RUNTIME_DIR` | Where files of users not root are |

1. `--root` and `--storage-driver` leave all these options in force, unlike in podman.
2. What is pulled, loaded or saved is in `GRAPH/tmp` meanwhile: it is moved into place, not copied.
"""


def page() -> str:
    """The whole page."""
    parts = [_file("containers.conf", CONTAINERS_CONF), _file("storage.conf", STORAGE_CONF)]
    return "\n".join([_HEAD, *(line for part in parts for line in part), _TAIL])


def _file(title: str, keys: Sequence[Key]) -> Iterator[str]:
    yield f"## {title}\n"
    for table in dict.fromkeys(key.table for key in keys):
        yield f"### [{table}]\n"
        yield "| key | what it is here |\n|---|---|"
        for key in keys:
            if key.table == table:
                name = "all keys" if key.name == "*" else f"`{key.name}`"
                yield f"| {name} | {_text(key)} |"
        yield ""


def _text(key: Key) -> str:
    if key.without:
        return f"**No effect**: {key.without}"
    if key.flag:
        return f"Default of `run --{key.flag}{f' {key.prefix}' if key.prefix else ''}`"
    if key.setting:
        return f"`{key.setting}` of rundlet.toml"
    return f"{key.does[0].upper()}{key.does[1:]}"


if __name__ == "__main__":
    PAGE.write_text(page())
