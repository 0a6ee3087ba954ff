"""`rundlet-cri serve`: the server that kubelet and crictl talk to."""

from __future__ import annotations

from rundlet.core.commands.declare import Option, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed
    from rundlet.core.settings.snapshot import Settings

    from ..server.options import Options

VERB = Verb(
    name="serve",
    summary="Serve the Container Runtime Interface on a unix socket",
    options=(
        Option("listen", metavar="path", default="/run/rundlet/cri.sock", help="Unix socket"),
        Option("stream-address", default="127.0.0.1", help="Address of exec, attach, port-forward"),
        Option("stream-port", default="0", help="Port of them (0: any)"),
        Option("stream-tls-cert", metavar="path", help="Certificate, to serve them by TLS"),
        Option("stream-tls-key", metavar="path", help="Key of the certificate"),
        Option("default-runtime", help="Runtime handler of pods that ask for none"),
    ),
    run="rundlet.cri.verbs.serve:run",
)

_LEVELS = {"trace": "DEBUG", "warn": "WARNING", "fatal": "CRITICAL", "panic": "CRITICAL"}


def run(context: Context, arguments: Parsed) -> int:
    """Serve until SIGTERM; SIGHUP reads the configuration again."""
    import logging

    from ..server.serve import main

    level = context.options.text("log-level")
    logging.basicConfig(
        level=_LEVELS.get(level, level.upper()),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )

    def load() -> tuple[Settings, Options]:
        from rundlet.core.settings.load import from_options

        from ..server.options import Options

        options = Options(
            listen=arguments.text("listen").removeprefix("unix://"),
            default_runtime=arguments.text("default-runtime"),
            stream_address=arguments.text("stream-address"),
            stream_port=int(arguments.text("stream-port")),
            stream_certificate=arguments.text("stream-tls-cert"),
            stream_key=arguments.text("stream-tls-key"),
        )
        return from_options(context.options), options

    return main(load)
