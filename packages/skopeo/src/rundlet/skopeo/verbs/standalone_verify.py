"""`rundlet-skopeo standalone-verify`: check a signature in a file
(skopeo-standalone-verify(1)).
"""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.trust.gpg import Signed

VERB = Verb(
    name="standalone-verify",
    summary="Verify a signature using local files",
    usage="[options] MANIFEST DOCKER-REFERENCE KEY-FINGERPRINTS SIGNATURE",
    description=(
        "KEY-FINGERPRINTS are fingerprints with commas between, or `any` for all keys in the"
        " public key file."
    ),
    run="rundlet.skopeo.verbs.standalone_verify:run",
    options=(
        Option("public-key-file", help="File of public keys; else gpg's own keys count",
               completes="files"),
    ),
    arguments=Arguments(minimum=4, maximum=4),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Say which key signed which digest. Raises DeniedByPolicy for what does not fit."""
    from rundlet.core.errors import DeniedByPolicy, UsageError
    from rundlet.core.images.digests import digest_of
    from rundlet.core.trust import gpg, simple

    from ..local import read

    manifest, name, wanted, signature = arguments.arguments
    fingerprints = wanted.split(",")
    file = arguments.text("public-key-file")
    if fingerprints == ["any"] and not file:
        raise UsageError("Cannot use any fingerprint without a public key file")
    message, digest = read(signature), digest_of(read(manifest))
    if file:
        with gpg.imported(read(file)) as keys:
            signed = gpg.verify(message, keys)
            fingerprints = [*keys.fingerprints] if fingerprints == ["any"] else fingerprints
    else:
        signed = gpg.verify(message)
    found = _accepted(signed, fingerprints)
    claim = simple.read(signed.content)
    if not simple.same_name(claim.identity, name):
        raise DeniedByPolicy(f"signature: Docker reference {claim.identity} does not match {name}")
    if claim.digest != digest:
        raise DeniedByPolicy(f"signature: docker digest {claim.digest} does not match {digest}")
    context.print(f"Signature verified using fingerprint {found}, digest {digest}")
    return 0


def _accepted(signed: Signed, fingerprints: Sequence[str]) -> str:
    from rundlet.core.errors import DeniedByPolicy

    found = next((one for one in fingerprints if signed.by(one)), "")
    if not found:
        raise DeniedByPolicy(
            f"signature: made by {signed.key}, which is not among the keys that may"
        )
    return found
