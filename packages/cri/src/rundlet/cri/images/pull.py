"""PullImage: with which credentials, by which policy, and how long a registry may be silent."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import logging
import os
import socket
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rundlet.core import Engine
from rundlet.core.contracts.transport import TransportSettings
from rundlet.core.errors import InvalidArgument, RundletError, SignatureDenied
from rundlet.core.images import reference as references
from rundlet.core.images.progress import Progress
from rundlet.core.state.images import Image
from rundlet.core.transports.docker.credentials import TOKEN_USER

from ..config.model import Config
from ..config.setup import config_of
from ..proto import api_pb2 as cri
from ..telemetry.observer import Observer
from . import values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rundlet.core.images.encryption import Encryption

LOG = logging.getLogger("rundlet.cri")
_IN_USE = "in-use"
_DOCKER = "docker.io"


def pull(
    engine: Engine, name: str, auth: cri.AuthConfig, namespace: str, observer: Observer
) -> str:
    """Pull; the reference that containers are made with (the image's id).

    namespace: of the pod that the image is for, "" when kubelet does not say.
    """
    try:
        image = _pull(engine, name, auth, namespace, observer.pulling(name))
    except RundletError as error:
        observer.pulled(error.cri_status)
        raise
    observer.pulled("OK")
    return values.image_id(image.id)


def _pull(
    engine: Engine, name: str, auth: cri.AuthConfig, namespace: str, progress: Progress | None
) -> Image:
    """What the trust policy refuses begins with the word that kubelet knows (cri-api's errors)."""
    if not name:
        raise InvalidArgument("the image is not named")
    node = config_of(engine)
    wanted = _with_transport(node, name)
    with _auth_file(node, name, namespace) as auth_file:
        settings = _settings(node, name, auth, auth_file)
        try:
            with _judged(engine, node, namespace) as puller:
                image = puller.images.pull(
                    wanted, settings=settings, progress=progress, encryption=_keys(node)
                )
        except SignatureDenied as error:
            raise SignatureDenied(f"SignatureValidationFailed: {error.message}") from None
    engine.leases.release()  # the image has its row: a thread's engine may live for months
    return image


def _with_transport(node: Config, name: str) -> str:
    """default_transport goes before names without one; docker:// is what they mean anyway."""
    transport = node.text("crio.image.default_transport")
    if transport in ("", "docker://") or name.startswith(transport) or "://" in name:
        return name
    return f"{transport}{name}"


def _is_of(address: str, name: str) -> bool:
    """Whether a server's address, as kubelet's secrets have it ("https://host:5000/v1/"), is that
    of an image's registry: nobody else is to see the password."""
    host = address.partition("://")[2] or address
    host = host.partition("/")[0]
    host = _DOCKER if host in ("index.docker.io", "registry-1.docker.io") else host
    return host == references.parse(name).host


def _settings(node: Config, name: str, auth: cri.AuthConfig, auth_file: str) -> TransportSettings:
    """AuthConfig: a user and password, both in base64 (docker's config.json), or a token of
    either kind: one for the registry itself, or one that its token server takes.

    Without either the files have a say; and where it is for another registry's server_address.
    """
    if auth.server_address and not _is_of(auth.server_address, name):
        auth = cri.AuthConfig()
    user, password = auth.username, auth.password
    if auth.auth and not user:
        try:
            user, _, password = base64.b64decode(auth.auth).decode().rstrip("\0").partition(":")
        except ValueError:
            raise InvalidArgument("PullImage: auth is not base64 of user:password") from None
    if auth.identity_token:
        user, password = TOKEN_USER, auth.identity_token
    silence = node.seconds("crio.image.pull_progress_timeout")
    insecure = _insecure(node.texts("crio.image.insecure_registries"), name)
    return TransportSettings(
        credentials=(user, password) if user else None,
        bearer_token=auth.registry_token,
        auth_file=Path(auth_file) if auth_file else None,
        tls_verify=False if insecure else None,
        # A registry that says nothing is asked again once: both together are the time-out.
        options={"stall": silence / 2} if silence else {},
    )


@contextmanager
def _auth_file(node: Config, name: str, namespace: str) -> Iterator[str]:
    """The file of credentials: of the namespace and image, which is used up; else of the node."""
    found = _namespaced(node.text("crio.image.namespaced_auth_dir"), name, namespace)
    if not found:
        yield node.text("crio.image.global_auth_file")
        return
    directory, file = os.path.split(found)
    root, end = os.path.splitext(file)
    used = os.path.join(directory, _IN_USE, f"{root}-{uuid.uuid4()}{end}")
    os.makedirs(os.path.dirname(used), mode=0o700, exist_ok=True)
    os.rename(found, used)
    try:
        yield used
    finally:
        os.unlink(used)


def _namespaced(directory: str, name: str, namespace: str) -> str:
    """NAMESPACE-SHA256.json, of the repository's whole name; "" when there is none.

    crio-credential-provider writes it for one pull.
    """
    if not namespace or not directory or "/" in namespace:
        return ""
    try:
        repository = references.parse(name.removeprefix("docker://")).repository
    except InvalidArgument:
        return ""
    digest = hashlib.sha256(repository.encode()).hexdigest()
    path = os.path.join(directory, f"{namespace}-{digest}.json")
    return path if os.path.exists(path) else ""


@contextmanager
def _judged(engine: Engine, node: Config, namespace: str) -> Iterator[Engine]:
    """An engine that goes by the trust policy of the namespace, where it has one."""
    directory = node.text("crio.image.signature_policy_dir")
    path = os.path.join(directory, f"{namespace}.json")
    if not namespace or "/" in namespace or not os.path.exists(path):
        yield engine
        return
    with Engine(engine.settings.replace(signature_policy=path)) as other:
        yield other


def _keys(node: Config) -> Encryption | None:
    """The private keys of decryption_keys_path. One that cannot be read is said, and left out."""
    directory = node.text("crio.runtime.decryption_keys_path")
    try:
        names = sorted(os.listdir(directory)) if directory else []
    except OSError:
        return None
    if not names:
        return None
    from rundlet.core.images import encryption  # `cryptography` takes 8 MiB

    keys = []
    for name in names:
        try:
            keys.append(encryption.private(os.path.join(directory, name)))
        except RundletError as error:
            LOG.warning("decryption_keys_path: %s", error)
    return encryption.Encryption(keys=tuple(keys)) if keys else None


def _insecure(registries: Sequence[str], name: str) -> bool:
    """Whether a name's registry is among these hosts, or its address in one of these networks."""
    if not registries:
        return False
    try:
        host = references.parse(name.removeprefix("docker://")).host
    except InvalidArgument:
        return False
    if host in registries:
        return True
    networks = [ipaddress.ip_network(one) for one in registries if _is_network(one)]
    return any(address in network for network in networks for address in _addresses(host))


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return "/" in text


def _addresses(host: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    try:
        found = socket.getaddrinfo(name.strip("[]"), None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return [ipaddress.ip_address(one[4][0]) for one in found]
