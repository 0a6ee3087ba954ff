"""`rundlet-build manifest`: lists of images for several platforms (buildah-manifest(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Group, Option, Verb
from rundlet.core.verbs.signing import OPTIONS as SIGNING

from .words import COMPRESSION, TRANSPORT

GROUP = Group("manifest", "Create, modify, and push manifest lists and image indexes")

_PLATFORM: tuple[Flag | Option, ...] = (
    Option("annotation", help="Set an annotation of the entry", many=True),
    Option("arch", help="Override the architecture of the image"),
    Option("features", help="Override the features of the image", many=True, split=True),
    Option("os", help="Override the OS of the image"),
    Option("os-features", help="Override the OS features of the image", many=True, split=True),
    Option("os-version", help="Override the OS version of the image"),
    Option("variant", help="Override the variant of the image"),
)
_LIST = Arguments(minimum=1, maximum=1)

CREATE = Verb(
    name="manifest create",
    summary="Create manifest list or image index",
    usage="[options] LIST [IMAGE...]",
    run="rundlet.build.verbs.manifest_run:create",
    options=(
        Flag("all", help="Add all of the images of an index that is named"),
        Flag("amend", "a", "Add to the list if it is there"),
        Option("annotation", help="Set an annotation of the list", many=True),
        *TRANSPORT,
    ),
    arguments=Arguments(minimum=1, completes="images"),
    examples=("rundlet-build manifest create mylist:v1.11",),
)
ADD = Verb(
    name="manifest add",
    summary="Add images to a manifest list or image index",
    usage="[options] LIST IMAGE [IMAGE...]",
    run="rundlet.build.verbs.manifest_run:add",
    options=(
        Flag("all", help="Add all of the images of an index that is named"),
        *_PLATFORM,
        *TRANSPORT,
    ),
    arguments=Arguments(minimum=2, completes="images"),
    examples=("rundlet-build manifest add mylist:v1.11 image:v1.11-amd64",),
)
ANNOTATE = Verb(
    name="manifest annotate",
    summary="Add or update information about an entry in a manifest list or image index",
    usage="[options] LIST [IMAGE|DIGEST]",
    run="rundlet.build.verbs.manifest_run:annotate",
    options=(
        *_PLATFORM,
        Flag("index", help="Annotate the list itself"),
    ),
    arguments=Arguments(minimum=1, maximum=2, completes="images"),
    examples=("rundlet-build manifest annotate --variant v8 mylist:v1.11 image:v1.11-arm64",),
)
INSPECT = Verb(
    name="manifest inspect",
    summary="Display the contents of a manifest list or image index",
    usage="[options] LIST",
    description="One that is not in local storage is read where its name says.",
    run="rundlet.build.verbs.manifest_run:inspect",
    options=(
        *TRANSPORT,
        Flag("insecure", help="As --tls-verify=false", hidden=True),
        Flag("verbose", "v", "Docker's; does nothing", hidden=True),
    ),
    arguments=_LIST,
)
EXISTS = Verb(
    name="manifest exists",
    summary="Check if a manifest list exists in local storage",
    usage="LIST",
    run="rundlet.build.verbs.manifest_run:exists",
    arguments=_LIST,
)
PUSH = Verb(
    name="manifest push",
    summary="Push a manifest list or image index to a registry",
    usage="[options] LIST [DESTINATION]",
    run="rundlet.build.verbs.manifest_run:push",
    options=(
        Option(
            "add-compression",
            help="Add instances with this compression: gzip, zstd or"
            " zstd:chunked (may be given several times)",
            many=True,
            split=True,
        ),
        Flag("all", help="Also push the images in the list", default=True),
        Option("digestfile", help="Write the digest to this file", completes="files"),
        Option("format", "f", help="Format: oci or v2s2", choices=("oci", "v2s2")),
        Flag("quiet", "q", "Don't output progress information"),
        Flag("remove-signatures", help="Don't copy signatures"),
        Flag("rm", help="Remove the list when it was pushed"),
        *COMPRESSION,
        *SIGNING,
        *TRANSPORT,
    ),
    arguments=Arguments(minimum=1, maximum=2),
    examples=("rundlet-build manifest push mylist:v1.11 docker://registry/repository:tag",),
)
REMOVE = Verb(
    name="manifest remove",
    summary="Remove an entry from a manifest list or image index",
    usage="LIST DIGEST",
    run="rundlet.build.verbs.manifest_run:remove",
    arguments=Arguments(minimum=2, maximum=2),
)
RM = Verb(
    name="manifest rm",
    summary="Remove manifest list or image index",
    usage="[options] LIST [LIST...]",
    run="rundlet.build.verbs.manifest_run:remove_lists",
    options=(Flag("ignore", "i", "Pass over lists that are not there"),),
    arguments=Arguments(minimum=1),
)
