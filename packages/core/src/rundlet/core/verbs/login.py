"""`login`: keep the credentials of a registry (podman-login(1), skopeo-login(1))."""

from __future__ import annotations

import sys

from ..commands.declare import Arguments, Flag, Option, Verb
from ..commands.options import AUTHFILE
from .tls_details import TLS_DETAILS, tls_details

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..commands.context import Context, Parsed
    from ..contracts.transport import TransportSettings
    from ..transports.docker.credentials import Credentials

VERB = Verb(
    name="login",
    summary="Log in to a container registry",
    usage="[options] [REGISTRY]",
    description="Checks a user name and password with a registry, and keeps them in an auth file.",
    run="rundlet.core.verbs.login:run",
    options=(
        AUTHFILE,
        Option("cert-dir", help="Directory with the certificates of a registry", completes="files"),
        Option("compat-auth-file", help="Path of a Docker-compatible config file", hidden=True),
        Flag("get-login", help="Return the current login user for the registry"),
        Option("password", "p", help="Password for registry"),
        Flag("password-stdin", help="Take the password from stdin"),
        Option("secret", help="Take the password from a secret, and its name for the user's"),
        TLS_DETAILS,
        Flag("tls-verify", help="Require HTTPS and verify certificates", default=True),
        Option("username", "u", help="Username for registry"),
        Flag("verbose", "v", help="Write more detailed information to stdout"),
    ),
    arguments=Arguments(maximum=1, completes="none"),
    examples=("rundlet login quay.io", "rundlet login -u me --password-stdin localhost:5000"),
)


def run(context: Context, arguments: Parsed) -> int:
    """Log in, or with --get-login tell who is."""
    from ..errors import UsageError
    from ..transports.docker import login
    from ..transports.docker.credentials import Credentials

    name = registry(context, arguments)
    settings = transport_settings(context, arguments)
    keepers = helpers(context, arguments)
    known = login.logged_in(name, settings, keepers)
    if arguments.flag("get-login"):
        if known is None:
            raise UsageError(f"not logged into {name}")
        context.print(known.user)
        return 0
    _refuse_contradictions(arguments)
    asked = any(arguments.text(option) for option in ("username", "password", "secret"))
    if known is not None and not asked and _still_valid(context, name, known, settings):
        return 0
    user = arguments.text("username") or arguments.text("secret")
    user = user or _ask_user(known.user if known is not None else "")
    if not user:
        raise UsageError("no user name was given", remedy="Give --username NAME.")
    password = _password(context, arguments)
    where = login.log_in(name, Credentials(user, password), settings, keepers)
    if arguments.flag("verbose"):
        context.print(f"Used:  {where}")
    context.print("Login Succeeded!")
    return 0


def _refuse_contradictions(arguments: Parsed) -> None:
    """Raise UsageError for options that do not go together."""
    from ..errors import UsageError

    if arguments.flag("password-stdin") and not arguments.text("username"):
        raise UsageError("Must provide --username with --password-stdin")
    if arguments.flag("password-stdin") and arguments.text("password"):
        raise UsageError("Can't specify both --password-stdin and --password")
    if arguments.text("secret") and arguments.text("password"):
        raise UsageError("--secret can not be used with --password options")


def _still_valid(
    context: Context, name: str, known: Credentials, settings: TransportSettings
) -> bool:
    """Whether the registry takes what it was given before; says so, or that it does not."""
    from ..errors import Unauthorized
    from ..transports.docker import login

    context.print(f"Authenticating with existing credentials for {name}")
    try:
        login.check(name, known, settings)
    except Unauthorized:
        context.print("Existing credentials are invalid, please enter valid username and password")
        return False
    context.print(f"Existing credentials are valid. Already logged in to {name}")
    return True


def registry(context: Context, arguments: Parsed) -> str:
    """The registry given, without scheme and path; else the first that is searched."""
    from ..errors import UsageError
    from ..images import registries_conf

    if arguments.arguments:
        name = arguments.arguments[0]
        for scheme in ("https://", "http://"):
            name = name.removeprefix(scheme)
        return name.rstrip("/")
    search = registries_conf.load(context.engine.settings.registries_conf).search
    if not search:
        raise UsageError("please provide a registry to log in to")
    return search[0]


def helpers(context: Context, arguments: Parsed) -> Sequence[str]:
    """`credential-helpers` of registries.conf; Docker's own file does without."""
    from ..images import registries_conf

    if arguments.text("compat-auth-file"):
        return ()
    return registries_conf.load(context.engine.settings.registries_conf).helpers


def transport_settings(context: Context, arguments: Parsed) -> TransportSettings:
    """What --authfile, --cert-dir, --tls-details and --tls-verify say, where the verb, or the
    program, has them.
    """
    from pathlib import Path

    from ..contracts.transport import TransportSettings
    from ..errors import UsageError
    from ..settings.load import from_options

    configured = from_options(context.options)  # sets variables of the environment, too
    values = arguments.values
    if values.get("authfile") and values.get("compat-auth-file"):
        raise UsageError(
            "options for paths to the credential file and to the Docker-compatible credential file"
            " can not be set simultaneously"
        )
    file = values.get("authfile") or values.get("compat-auth-file")
    return TransportSettings(
        tls_verify=arguments.flag("tls-verify") if "tls-verify" in arguments.given else None,
        auth_file=Path(str(file)) if file else None,
        cert_dir=Path(str(values["cert-dir"])) if values.get("cert-dir") else None,
        tls_details=tls_details(values.get("tls-details") or configured.tls_details),
    )


def _ask_user(known: str) -> str:
    sys.stdout.write(f"Username ({known}): " if known else "Username: ")
    sys.stdout.flush()
    return sys.stdin.readline().strip() or known


def _password(context: Context, arguments: Parsed) -> str:
    if arguments.flag("password-stdin"):
        return sys.stdin.read().rstrip("\r\n")
    if arguments.text("secret"):
        return context.engine.secrets.lookup(arguments.text("secret")).decode().rstrip("\n")
    if arguments.text("password"):
        return arguments.text("password")
    if not sys.stdin.isatty():
        from ..errors import UsageError

        raise UsageError(
            "the password cannot be asked for: standard input is no terminal",
            remedy="Give it there with --password-stdin.",
        )
    from getpass import getpass

    return getpass("Password: ")
