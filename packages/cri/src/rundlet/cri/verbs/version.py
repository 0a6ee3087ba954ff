"""`rundlet-cri version`: what a CRI Version call answers (runtime.v1 VersionResponse), and more."""

from __future__ import annotations

from rundlet.core.commands.declare import Flag, Verb

from .. import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.commands.context import Context, Parsed

VERB = Verb(
    name="version",
    summary="Print the versions of the runtime and of the API it serves",
    options=(
        Flag("json", "j", "Print JSON"),
        Flag("verbose", "v", "Print the Python packages too"),
    ),
    run="rundlet.cri.verbs.version:run",
)
_PACKAGES = ("rundlet-core", "rundlet-cri", "rundlet-net-cni", "grpcio", "protobuf", "h11",
             "wsproto", "prometheus-client", "opentelemetry-sdk")  # fmt: skip


def run(context: Context, arguments: Parsed) -> int:
    """Print the four fields, as crictl prints them; then those of this machine."""
    import json
    import platform

    found: dict[str, object] = {
        "Version": "0.1.0",
        "RuntimeName": "rundlet",
        "RuntimeVersion": __version__,
        "RuntimeApiVersion": "v1",
        "PythonVersion": platform.python_version(),
        "Platform": f"linux/{platform.machine()}",
    }
    if arguments.flag("verbose"):
        found["Dependencies"] = _packages()
    if arguments.flag("json"):
        names = {name[0].lower() + name[1:]: value for name, value in found.items()}
        context.print(json.dumps(names, indent=2))
        return 0
    for name, value in found.items():
        if isinstance(value, list):
            context.print(f"{name}:")
            for line in value:
                context.print(f"  {line}")
        else:
            context.print(f"{name}:  {value}")
    return 0


def _packages() -> list[str]:
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return found
