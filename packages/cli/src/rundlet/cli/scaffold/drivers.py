"""The module of a new plugin, by kind: small, working, and meant to be written over.

`$name` is the entry point, `$type` the class, `$module` the package's module.
"""

from __future__ import annotations

_STORAGE = '''\
"""The storage driver `$name`: layers as whole directories. Make `mount` and `apply` your own.

The contract, clause by clause: rundlet.core.contracts.storage.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rundlet.core.contracts.storage import StorageDriver
from rundlet.core.hookspecs import hookimpl
from rundlet.core.storage.vfs import VfsDriver


class $type(VfsDriver):
    """Derives from the driver that only copies; derive from StorageDriver to begin anew."""

    name = "$name"


@hookimpl
def rundlet_storage_driver(
    name: str, home: str, options: Mapping[str, Any]
) -> StorageDriver | None:
    """Make the driver: home is below the graph root, options its table in rundlet.toml."""
    return $type(home, dict(options)) if name == $type.name else None
'''

_RUNTIME = '''\
"""The OCI runtime `$name`: any program with runc's command line.

The contract, clause by clause: rundlet.core.contracts.runtime.
"""

from __future__ import annotations

from rundlet.core.contracts.runtime import OCIRuntime, RuntimeConfig
from rundlet.core.hookspecs import hookimpl
from rundlet.core.runtimes.runc import Runc


class $type(Runc):
    """Name your own program in `binaries`; override what it does in another way than runc."""

    name = "$name"
    binaries = ("runc",)


@hookimpl
def rundlet_oci_runtime(name: str, config: RuntimeConfig) -> OCIRuntime | None:
    """Make the driver: config is the table [runtimes.$name] of rundlet.toml."""
    return $type(config) if name == $type.name else None
'''

_NETWORK = '''\
"""The network plugin `$name`: so far it leaves a namespace with its loopback alone.

The contract, clause by clause: rundlet.core.contracts.network.
"""

from __future__ import annotations

from rundlet.core.contracts.network import (
    Attachment,
    AttachResult,
    NetworkPlugin,
    NetworkSettings,
)
from rundlet.core.contracts.probe import Probe
from rundlet.core.hookspecs import hookimpl


class $type(NetworkPlugin):
    """`attach` fills the namespace `attachment.namespace`, and says in its result with what."""

    name = "$name"

    def probe(self) -> Probe:
        return Probe(True)

    def attach(self, attachment: Attachment) -> AttachResult:
        return AttachResult()

    def detach(self, attachment: Attachment, result: AttachResult) -> None:
        """Undo `attach`; what is gone already is no error."""

    def check(self, attachment: Attachment, result: AttachResult) -> None:
        """Raise NetworkError when it is no longer as `result` says."""


@hookimpl
def rundlet_network_plugin(name: str, settings: NetworkSettings) -> NetworkPlugin | None:
    """Make the plugin: settings.options is the table [plugins.$name] of rundlet.toml."""
    return $type(settings) if name == $type.name else None
'''

_TRANSPORT = '''\
"""The image transport `$name:PATH`: images as plain files in a directory.

The contract, clause by clause: rundlet.core.contracts.transport.
"""

from __future__ import annotations

from rundlet.core.contracts.transport import ImageTransport
from rundlet.core.hookspecs import hookimpl
from rundlet.core.transports.directory import DirectoryTransport


class $type(DirectoryTransport):
    """Override `parse`, `source` and `destination`; derive from ImageTransport to begin anew."""

    name = "$name"


@hookimpl
def rundlet_image_transport(name: str) -> ImageTransport | None:
    """Make the transport."""
    return $type() if name == $type.name else None
'''

_SECRETS = '''\
"""The secret driver `$name`: files whose content is base64. Encrypt instead, or ask a vault.

The contract, clause by clause: rundlet.core.contracts.secrets.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from rundlet.core.contracts.secrets import SecretDriver
from rundlet.core.hookspecs import hookimpl
from rundlet.core.secrets.file import FileSecrets


class $type(FileSecrets):
    """Derives from the driver of plain files; derive from SecretDriver to begin anew."""

    name = "$name"

    def store(self, secret: str, data: bytes) -> None:
        super().store(secret, base64.b64encode(data))

    def lookup(self, secret: str) -> bytes:
        return base64.b64decode(super().lookup(secret))


@hookimpl
def rundlet_secret_driver(
    name: str, home: str, options: Mapping[str, str]
) -> SecretDriver | None:
    """Make the driver: options is the table [plugins.$name] of rundlet.toml."""
    return $type(home, options) if name == $type.name else None
'''

_HOOKS = '''\
"""The hooks plugin `$name`: refuses images that are labelled not to be used.

All hooks with their arguments: rundlet.core.hookspecs. Time limit and failure mode are of the
table [plugins.$name] of rundlet.toml: timeout (seconds), on_failure ("open" or "closed").
"""

from __future__ import annotations

from rundlet.core.hookspecs import hookimpl
from rundlet.core.views import ImageView

LABEL = "$name.refused"


@hookimpl
def rundlet_admit_image(image: ImageView, action: str) -> str | None:
    """None allows the image; a reason, in words for a user, refuses it."""
    reason = image.labels.get(LABEL)
    return f"its label {LABEL} says: {reason}" if reason else None
'''

_COMMAND = '''\
"""The verb `rundlet $name`. Declarations: rundlet.core.commands.declare."""

from __future__ import annotations

from rundlet.core.commands.context import Context, Parsed
from rundlet.core.commands.declare import Arguments, Flag, Verb

VERB = Verb(
    name="$name",
    summary="Greet somebody, and count the images here",
    usage="[options] WHOM",
    options=(Flag("loud", "l", help="Shout"),),
    arguments=Arguments(minimum=1, maximum=1),
    run="$module:run",
)


def run(context: Context, arguments: Parsed) -> int:
    """`context.engine` is the whole Python API. Returns the exit code."""
    (whom,) = arguments.arguments
    text = f"hello {whom}, there are {len(context.engine.images.list())} images"
    context.print(text.upper() if arguments.flag("loud") else text)
    return 0
'''

MODULES = {
    "storage": _STORAGE,
    "runtime": _RUNTIME,
    "network": _NETWORK,
    "transport": _TRANSPORT,
    "secrets": _SECRETS,
    "hooks": _HOOKS,
    "command": _COMMAND,
}
"""Kind, as `--kind` names it, to the text of the module."""
