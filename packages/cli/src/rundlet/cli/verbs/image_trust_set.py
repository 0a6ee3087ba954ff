"""`rundlet image trust set`: change the trust policy (podman-image-trust(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Option, Verb

from .image_trust import PLACES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="image trust set",
    summary="Set default trust policy or a new trust policy for a registry",
    usage="[options] REGISTRY",
    description="REGISTRY is a host, a namespace, a repository or an image; `default` means all"
    " others.",
    run="rundlet.cli.verbs.image_trust_set:run",
    options=(
        Option("pubkeysfile", "f", help="Path of a file of public keys to trust; an image must be"
               " signed by a key of each of them", many=True, metavar="strings",
               completes="files"),
        Option("type", "t", help="Trust type: accept, reject, signedBy or sigstoreSigned",
               default="signedBy"),
        *PLACES,
    ),
    arguments=Arguments(minimum=1, maximum=1),
    examples=(
        "rundlet image trust set -t reject default",
        "rundlet image trust set -f /etc/pki/example.pub registry.example.com/team",
    ),
)  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Change the file."""
    from rundlet.core.errors import InvalidArgument
    from rundlet.core.trust import change, policy

    (scope,) = arguments.arguments
    if not scope or scope.strip() != scope or "://" in scope or scope.startswith(("/", "-")):
        raise InvalidArgument(f"invalid image uri: {scope}")
    path = arguments.text("signature-policy") or policy.path_of(context.engine.settings.policy_json)
    with context.engine.locks.hold("trust-policy", path):
        change.change(path, scope, arguments.text("type"), arguments.texts("pubkeysfile"))
    return 0
