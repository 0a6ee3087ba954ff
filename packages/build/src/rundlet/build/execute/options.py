"""What a build is asked for, as the command line and the Python API give it."""

from __future__ import annotations

from rundlet.core.containers.request import ContainerRequest
from rundlet.core.contracts.transport import TransportSettings
from rundlet.core.errors import RundletError
from rundlet.core.value import EMPTY, Value

from .source_policy import SourcePolicy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from rundlet.build.context.locations import Named
    from rundlet.build.ssh.wire import Agent
    from rundlet.core.contracts.transport import Platform
    from rundlet.core.images.encryption import Encryption
    from rundlet.core.trust.signing import Signing

    from .sbom import SbomOrder


class Timestamp(Value):
    """The time of all that is made, in seconds since the epoch.

    clamp: only what is newer gets it (SOURCE_DATE_EPOCH); else all does (--timestamp).
    files: also the files of layers, not only the image (--rewrite-timestamp=false).
    """

    seconds: int
    clamp: bool = False
    files: bool = True

    def of(self, nanoseconds: int) -> int:
        """The time that a file is to have, in nanoseconds."""
        wanted = self.seconds * 1_000_000_000
        return min(nanoseconds, wanted) if self.clamp else wanted


class Writing(Value):
    """How an image is written to another place than the store.

    compression, level, force, signing, encryption: as `Images.push` has them. The image in the
    store is signed too.
    """

    compression: str = ""
    level: int | None = None
    force: bool = False
    signing: Signing | None = None
    encryption: Encryption | None = None


class Secret(Value):
    """A `--secret`: its id, and its content."""

    id: str
    content: bytes


class BuildOptions(Value):
    """All of one build. Names follow buildah-build(1).

    files: paths of Containerfiles, "-" for stdin, () for that of the context.
    manifest_list: gets all images.
    base: stands for the image of the first FROM.
    template: what each RUN's container is made from. ssh: agents by id.
    layers: an image for each step, and a cache of them. rewrite: times of what is made.
    layer_labels: for the images of steps. cpp_flags: for a Containerfile whose name ends in .in.
    isolation: oci | rootless | chroot. mounts: for all RUNs, as their --mount has them.
    compat_volumes: what a RUN changes below a VOLUME is forgotten. save_stages: keep an image
    of each stage, with stage_labels saying which. encryption: keys of encrypted bases.
    cache_ttl: seconds that a step of the cache may be old, None for any age.
    """

    context: str = "."
    files: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    manifest_list: str = ""
    target: str = ""
    base: str = ""
    arguments: Mapping[str, str] = EMPTY
    contexts: tuple[Named, ...] = ()
    ignore_file: str = ""
    platforms: tuple[Platform, ...] = ()
    pull: str = "missing"
    settings: TransportSettings = TransportSettings()
    layers: bool = False
    cache: bool = True
    cache_ttl: float | None = None
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    explain: bool = False
    squash: bool = False
    squash_all: bool = False
    docker: bool = False
    timestamp: Timestamp | None = None
    labels: tuple[tuple[str, str], ...] = ()
    annotations: Mapping[str, str] = EMPTY
    environment: tuple[tuple[str, str], ...] = ()
    unset_environment: tuple[str, ...] = ()
    unset_labels: tuple[str, ...] = ()
    unset_annotations: tuple[str, ...] = ()
    layer_labels: tuple[tuple[str, str], ...] = ()
    inherit_labels: bool = True
    inherit_annotations: bool = True
    os_version: str = ""
    os_features: tuple[str, ...] = ()
    cpp_flags: tuple[str, ...] = ()
    omit_history: bool = False
    outputs: tuple[Mapping[str, str], ...] = ()
    jobs: int = 1
    skip_unused: bool = True
    secrets: tuple[Secret, ...] = ()
    ssh: Mapping[str, Agent] = EMPTY
    writing: Writing = Writing()
    template: ContainerRequest = ContainerRequest()
    isolation: str = "oci"
    mounts: tuple[str, ...] = ()
    compat_volumes: bool = False
    stdin: bool = False
    quiet: bool = False
    encryption: Encryption | None = None
    source_policy: SourcePolicy = SourcePolicy()
    all_platforms: bool = False
    save_stages: bool = False
    stage_labels: bool = False
    sbom: SbomOrder | None = None

    @property
    def file_times(self) -> Timestamp | None:
        """What times the files of new layers get, None for their own."""
        return self.timestamp if self.timestamp is not None and self.timestamp.files else None


class StepFailed(RundletError):
    """A command of a RUN ended badly; its exit code is ours."""

    def __init__(self, where: str, text: str, code: int) -> None:
        super().__init__(f"{where}: building at step {text!r}: exit status {code}")
        self.exit_code = code
