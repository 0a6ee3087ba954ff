"""`rundlet pull`: get an image (podman-pull(1))."""

from __future__ import annotations

from rundlet.core.commands.declare import Arguments, Flag, Option, Verb
from rundlet.core.commands.options import AUTHFILE
from rundlet.core.verbs.encryption import DECRYPTION_KEY
from rundlet.core.verbs.signing import SIGNATURE_POLICY, obey
from rundlet.core.verbs.tls_details import TLS_DETAILS, tls_details

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.contracts.transport import TransportSettings
    from rundlet.core.state.images import Image

RETRY = Option("retry", help="Number of times to retry in case of failure", kind="uint",
               setting="retries")  # fmt: skip
RETRY_DELAY = Option("retry-delay", help="Delay between retries in case of failure",
                     kind="duration", metavar="duration", setting="retry_delay")  # fmt: skip

VERB = Verb(
    name="pull",
    summary="Pull an image from a registry",
    usage="[options] IMAGE [IMAGE...]",
    description="Pulls an image from a registry, an archive, or another transport.",
    run="rundlet.cli.verbs.pull:run",
    options=(
        Flag("all-tags", "a", "All tagged images in the repository will be pulled"),
        Option("arch", help="Use ARCH instead of the architecture of the machine", metavar="ARCH"),
        AUTHFILE,
        Option("cert-dir", help="Directory with the certificates of a registry", completes="files"),
        Option("creds", help="Credentials (USERNAME:PASSWORD) for the registry"),
        DECRYPTION_KEY,
        Flag("disable-content-trust", help="Docker's; does nothing", hidden=True),
        Option("os", help="Use OS instead of the running OS", metavar="OS"),
        Option("platform", help="Specify the platform for selecting the image"),
        Option(
            "policy",
            help="Pull image policy",
            default="always",
            choices=("always", "missing", "newer", "never"),
        ),
        Flag("quiet", "q", "Suppress output information when pulling images"),
        RETRY,
        RETRY_DELAY,
        SIGNATURE_POLICY,
        TLS_DETAILS,
        Flag("tls-verify", help="Require HTTPS and verify certificates", default=True),
        Option("variant", help="Use VARIANT instead of the running architecture variant"),
    ),
    arguments=Arguments(minimum=1, completes="images"),
    examples=("rundlet pull docker.io/library/alpine", "rundlet pull oci-archive:image.tar"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Pull all of them; prints each id. The first error ends it."""
    obey(context, arguments)
    platform = _platform(arguments)
    for name in arguments.arguments:
        if arguments.flag("all-tags"):
            settings = transport_settings(arguments)
            for pulled in context.engine.images.pull_all_tags(name, settings=settings):
                context.print(pulled.image.id)
            continue
        image = pull_one(
            context,
            arguments,
            name,
            policy=arguments.text("policy"),
            platform=platform,
            quiet=arguments.flag("quiet"),
        )
        context.print(image.id)
    return 0


def pull_one(
    context: Context, arguments: Parsed, name: str, *, policy: str, platform: str, quiet: bool
) -> Image:
    """Pull one image, telling how it goes on standard error."""
    from rundlet.core.commands.progress import shown
    from rundlet.core.images.platforms import parse_platform
    from rundlet.core.verbs.encryption import encryption

    with shown(context.stderr, quiet=quiet) as progress:
        return context.engine.images.pull(
            name,
            policy=policy,
            settings=transport_settings(arguments),
            platform=parse_platform(platform) if platform else None,
            progress=progress,
            encryption=encryption(arguments),
        )


def transport_settings(arguments: Parsed) -> TransportSettings:
    """What --creds, --tls-verify, --tls-details, --authfile, --cert-dir, --retry say, where the
    verb has them.
    """
    from pathlib import Path

    from rundlet.core.contracts.transport import TransportSettings

    values, given = arguments.values, arguments.given
    credentials = None
    if values.get("creds"):
        user, colon, password = str(values["creds"]).partition(":")
        credentials = (user, password if colon else _ask_password())
    retry, delay = values.get("retry"), values.get("retry-delay")
    return TransportSettings(
        retries=None if retry is None else int(str(retry)),
        retry_delay=None if delay is None else float(str(delay)),
        tls_verify=arguments.flag("tls-verify") if "tls-verify" in given else None,
        credentials=credentials,
        auth_file=Path(str(values["authfile"])) if values.get("authfile") else None,
        cert_dir=Path(str(values["cert-dir"])) if values.get("cert-dir") else None,
        tls_details=tls_details(values.get("tls-details")),
    )


def _ask_password() -> str:
    """`--creds USER`: the password is asked for. Raises UsageError where nobody can answer."""
    import sys
    from getpass import getpass

    from rundlet.core.errors import UsageError

    if not sys.stdin.isatty():
        raise UsageError("could not read password from terminal: give --creds USERNAME:PASSWORD")
    return getpass("Password: ")


def _platform(arguments: Parsed) -> str:
    from ..request.build import platform

    return platform(arguments)
