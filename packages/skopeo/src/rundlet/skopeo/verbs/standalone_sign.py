"""`rundlet-skopeo standalone-sign`: sign a manifest in a file (skopeo-standalone-sign(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="standalone-sign",
    summary="Create a signature using local files",
    usage="[options] MANIFEST DOCKER-REFERENCE KEY-FINGERPRINT --output|-o SIGNATURE",
    run="rundlet.skopeo.verbs.standalone_sign:run",
    options=(
        Option("output", "o", help="Output the signature to SIGNATURE", completes="files"),
        Option("passphrase-file", help="File with the passphrase of the key: its first line",
               completes="files"),
    ),
    arguments=Arguments(minimum=3, maximum=3),
    examples=("rundlet-skopeo standalone-sign manifest.json example.com/a:1 KEY -o signature-1",),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Write the signature."""
    from rundlet.core.errors import UsageError
    from rundlet.core.images.digests import digest_of
    from rundlet.core.trust import gpg, simple

    from ..local import read, write

    manifest, name, key = arguments.arguments
    output = arguments.text("output")
    if not output:
        raise UsageError("An output file must be specified", remedy="Give --output SIGNATURE.")
    passphrase = None
    if arguments.text("passphrase-file"):
        text = read(arguments.text("passphrase-file")).decode(errors="surrogateescape")
        passphrase = text.partition("\n")[0]
    payload = simple.payload(digest_of(read(manifest)), name)
    write(output, gpg.sign(payload, key, passphrase=passphrase))
    return 0
