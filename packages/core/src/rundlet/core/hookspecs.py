"""Every hook of Rundlet: the page a plugin author reads.

A plugin is a module (or object) that an entry point names. It marks functions
named as below with `@hookimpl`; each takes any subset of the arguments, by name.

    # my_plugin.py, entry point: [project.entry-points."rundlet.oci_runtimes"] youki = "my_plugin"
    from rundlet.core.hookspecs import hookimpl

    @hookimpl
    def rundlet_oci_runtime(name, config):
        return Youki(config) if name == "youki" else None

Groups: `rundlet.storage_drivers`, `rundlet.oci_runtimes`, `rundlet.network_plugins`,
`rundlet.image_transports`, `rundlet.secret_drivers` (each entry point named as its
driver: only the plugin of the driver that is used is imported), and
`rundlet.hooks` for plugins that only listen. `rundlet.commands` adds verbs and
is declared with `rundlet.core.commands` instead.

Clauses of `rundlet.hooks` plugins
    HOOKS-KNOWN   every marked function is a hook of this page, and takes only its arguments.
    HOOKS-ADMIT   an admission answers None, or the reason of its refusal in words.
    HOOKS-SPEC    the OCI spec is changed in place, and stays a whole spec and JSON.
    HOOKS-TOLD    who is told of a container's life raises nothing.
    HOOKS-TIME    every hook answers within a second.

The markers set the attributes that pluggy reads, without importing pluggy: it
is imported when a `rundlet.hooks` plugin is installed, not for every `ps`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeVar, overload

    from .contracts.network import NetworkPlugin, NetworkSettings
    from .contracts.runtime import OCIRuntime, OCISpec, RuntimeConfig
    from .contracts.secrets import SecretDriver
    from .contracts.storage import StorageDriver
    from .contracts.transport import ImageTransport
    from .views import ContainerView, Event, ImageView

    F = TypeVar("F", bound=Callable[..., Any])

PROJECT = "rundlet"


if TYPE_CHECKING:

    @overload
    def hookimpl(function: F) -> F: ...
    @overload
    def hookimpl(
        *,
        wrapper: bool = False,
        tryfirst: bool = False,
        trylast: bool = False,
        optionalhook: bool = False,
    ) -> Callable[[F], F]: ...


def hookimpl(
    function: F | None = None,
    *,
    wrapper: bool = False,
    tryfirst: bool = False,
    trylast: bool = False,
    optionalhook: bool = False,
) -> Any:
    """Mark a function as an implementation of the hook of its name (options as in pluggy)."""

    def mark(function: F) -> F:
        function.rundlet_impl = {  # type: ignore[attr-defined]  # as any function
            "wrapper": wrapper,
            "hookwrapper": False,
            "tryfirst": tryfirst,
            "trylast": trylast,
            "optionalhook": optionalhook,
            "specname": None,
        }
        return function

    return mark if function is None else mark(function)


if TYPE_CHECKING:

    @overload
    def hookspec(function: F) -> F: ...
    @overload
    def hookspec(*, firstresult: bool = False) -> Callable[[F], F]: ...


def hookspec(function: F | None = None, *, firstresult: bool = False) -> Any:
    """Mark a function as the specification of a hook."""

    def mark(function: F) -> F:
        function.rundlet_spec = {  # type: ignore[attr-defined]  # as any function
            "firstresult": firstresult,
            "historic": False,
            "warn_on_impl": None,
            "warn_on_impl_args": None,
        }
        return function

    return mark if function is None else mark(function)


# --- factories: a name and settings in, a driver out; the first that is not None is taken


@hookspec(firstresult=True)
def rundlet_storage_driver(
    name: str, home: str, options: Mapping[str, Any]
) -> StorageDriver | None:
    """Make the storage driver `name` (contracts/storage.py)."""


@hookspec(firstresult=True)
def rundlet_oci_runtime(name: str, config: RuntimeConfig) -> OCIRuntime | None:
    """Make the OCI runtime `name` (contracts/runtime.py)."""


@hookspec(firstresult=True)
def rundlet_network_plugin(name: str, settings: NetworkSettings) -> NetworkPlugin | None:
    """Make the network plugin `name` (contracts/network.py)."""


@hookspec(firstresult=True)
def rundlet_image_transport(name: str) -> ImageTransport | None:
    """Make the image transport `name` (contracts/transport.py)."""


@hookspec(firstresult=True)
def rundlet_secret_driver(name: str, home: str, options: Mapping[str, str]) -> SecretDriver | None:
    """Make the secret driver `name` (contracts/secrets.py)."""


# --- lifecycle: called for every listener, in the order of their entry points' names


@hookspec
def rundlet_admit_image(image: ImageView, action: str) -> str | None:
    """Allow an image before `action` ("pull", "run"): None, or the reason to deny it."""


@hookspec
def rundlet_container_spec(container: ContainerView, spec: OCISpec) -> None:
    """Change the generated OCI spec in place, before the container is created by its runtime."""


@hookspec
def rundlet_container_created(container: ContainerView) -> None:
    """A container exists in the state and on disk; nothing runs yet."""


@hookspec
def rundlet_container_started(container: ContainerView) -> None:
    """The container's process runs."""


@hookspec
def rundlet_container_stopped(container: ContainerView, exit_code: int) -> None:
    """The container's process has ended and was cleaned up after."""


@hookspec
def rundlet_container_removed(container: ContainerView) -> None:
    """Nothing of the container is left."""


@hookspec
def rundlet_event(event: Event) -> None:
    """Something happened that `rundlet events` would show."""
