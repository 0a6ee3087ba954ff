"""The networks of an engine: what `engine.networks` is."""

from __future__ import annotations

from ..contracts.network import AttachResult
from ..errors import NetworkError, PluginError, RundletError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..contracts.network import Attachment, Network, NetworkPlugin
    from ..engine import Engine


class Networks:
    """Namespaces joined to networks by the chosen plugin.

    plugin: a name; "" is the one that the settings name or the first that works here.
    """

    def __init__(self, engine: Engine) -> None:
        self._plugins = engine.plugins

    def attach(self, attachment: Attachment, plugin: str = "") -> AttachResult:
        """Join the namespace of the attachment to its networks and publish its ports.

        Raises NetworkError, or PluginError for a plugin that breaks its contract; the
        plugin has been told to detach then.
        """
        driver = self._plugin(plugin)
        try:
            result = driver.attach(attachment)
            if not isinstance(result, AttachResult):
                raise PluginError(
                    f"network plugin {driver.name}: attach gave {result!r}, which is no result"
                )
        except (RundletError, OSError) as error:
            self._undo(driver, attachment)
            if isinstance(error, RundletError):
                raise
            raise NetworkError(f"network plugin {driver.name}: {error}") from error
        except Exception as error:
            self._undo(driver, attachment)
            raise PluginError(f"network plugin {driver.name}: attach failed: {error!r}") from error
        return result

    def _undo(self, driver: NetworkPlugin, attachment: Attachment) -> None:
        """A plugin cleans up itself (NETWORK-ATTACH-UNDO); one at fault may not have."""
        try:
            driver.detach(attachment, AttachResult())
        except Exception as error:
            import sys

            sys.stderr.write(f"WARN[0000] network plugin {driver.name}: detach: {error}\n")

    def detach(self, attachment: Attachment, result: AttachResult, plugin: str = "") -> None:
        """Undo `attach`; succeeds for what is gone. Raises NetworkError, PluginError."""
        driver = self._plugin(plugin)
        try:
            driver.detach(attachment, result)
        except RundletError:
            raise
        except Exception as error:
            raise PluginError(f"network plugin {driver.name}: detach failed: {error!r}") from error

    def check(self, attachment: Attachment, result: AttachResult, plugin: str = "") -> None:
        """Raise NetworkError if the attachment is no longer as the result says."""
        self._plugin(plugin).check(attachment, result)

    def status(self, plugin: str = "") -> Sequence[str]:
        """Why containers cannot be attached now; empty when they can."""
        return self._plugin(plugin).status()

    def list(self, plugin: str = "") -> Sequence[Network]:
        """The networks that the plugin knows, the default first."""
        return self._plugin(plugin).networks()

    def _plugin(self, name: str) -> NetworkPlugin:
        if name:
            return self._plugins.network(name)
        return self._plugins.choose_network()
