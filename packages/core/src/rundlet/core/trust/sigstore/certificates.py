"""Certificates of signers: whose they are, and that a given authority vouched for them.

The paths are short and of one purpose, so they are checked here (RFC 5280, 6.1): signatures,
dates, basic constraints, key usage, extended key usage for code signing, and no critical
extension that nobody understands. Whether Fulcio put a certificate into its own log (an SCT) is
not asked, as in containers/image: a policy has no key for that.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from ...errors import Corrupt, DeniedByPolicy, InvalidArgument
from . import keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..sigstore_policy import Fulcio, Pki
    from .keys import PublicKey

_LARGEST = 256 << 10
_MOST = 16
_DEEPEST = 6
_ISSUER_V1 = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_ISSUER_V2 = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
"""Who identified the signer, as Fulcio writes it (fulcio's oid-info.md)."""
_BUILD_SIGNER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.9")
"""The URI of the workflow that signed, as a UTF8String."""
_UNDERSTOOD = (
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
)
_NOW_AND_ANY = (ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)


def pem_blocks(text: str) -> tuple[bytes, ...]:
    """The DER of the certificates in a PEM text; () for an empty one. Raises Corrupt."""
    if not text.strip():
        return ()
    if len(text) > _LARGEST:
        raise Corrupt(f"certificates of {len(text)} characters are too large")
    try:
        found = x509.load_pem_x509_certificates(text.encode())
    except (ValueError, UnicodeError) as error:
        raise Corrupt(f"certificates: {error}") from None
    if len(found) > _MOST:
        raise Corrupt(f"{len(found)} certificates are too many")
    return tuple(one.public_bytes(Encoding.DER) for one in found)


def roots(data: bytes, what: str) -> tuple[x509.Certificate, ...]:
    """The certificates of a file of authorities. Raises InvalidArgument."""
    try:
        return tuple(x509.load_pem_x509_certificates(data))
    except ValueError as error:
        raise InvalidArgument(f"{what}: not certificates in PEM: {error}") from None


def loaded(data: bytes) -> x509.Certificate:
    """A certificate from its DER. Raises Corrupt."""
    try:
        found = x509.load_der_x509_certificate(data)
        found.extensions  # noqa: B018 (parsed when asked for)
        return found
    except (ValueError, x509.DuplicateExtension) as error:
        raise Corrupt(f"its certificate: {error}") from None


def by_fulcio(
    leaf: bytes, chain: Sequence[bytes], wanted: Fulcio, trusted: Sequence[x509.Certificate],
    time: int,
) -> PublicKey:  # fmt: skip
    """The key of a certificate of the wanted identity, at the time that a log vouches for.

    Raises DeniedByPolicy, Corrupt.
    """
    found = loaded(leaf)
    _check_path(found, [loaded(one) for one in chain], trusted, datetime.fromtimestamp(time, UTC))
    issuer = _oidc_issuer(found)
    if issuer != wanted.issuer:
        raise DeniedByPolicy(f"its signer was identified by {issuer}, not by {wanted.issuer}")
    emails = _names(found, x509.RFC822Name)
    if wanted.email and wanted.email not in emails:
        raise DeniedByPolicy(f"its signer is {_told(emails)}, not {wanted.email}")
    workflows = _said(found, _BUILD_SIGNER)
    if wanted.build_signer and workflows != {wanted.build_signer}:
        raise DeniedByPolicy(f"its signer is {_told([*workflows])}, not {wanted.build_signer}")
    return _key(found)


def by_pki(
    leaf: bytes, chain: Sequence[bytes], wanted: Pki, trusted: Sequence[x509.Certificate],
    between: Sequence[x509.Certificate],
) -> PublicKey:  # fmt: skip
    """The key of a certificate of the wanted subject, valid now. Raises DeniedByPolicy, Corrupt."""
    found = loaded(leaf)
    more = [*between, *(loaded(one) for one in chain)]
    _check_path(found, more, trusted, datetime.now(UTC))
    emails, hosts = _names(found, x509.RFC822Name), _names(found, x509.DNSName)
    if wanted.email and wanted.email not in emails:
        raise DeniedByPolicy(f"its signer is {_told(emails)}, not {wanted.email}")
    if wanted.hostname and not any(_is_host(name, wanted.hostname) for name in hosts):
        raise DeniedByPolicy(f"its signer is {_told(hosts)}, not {wanted.hostname}")
    return _key(found)


def _told(names: Sequence[str]) -> str:
    return ", ".join(names) or "nobody by name"


def _is_host(pattern: str, host: str) -> bool:
    """Whether a name of a certificate is of a host; `*` stands for one label (RFC 6125)."""
    pattern, host = pattern.lower().rstrip("."), host.lower().rstrip(".")
    if pattern.startswith("*."):
        return host.partition(".")[2] == pattern[2:] and bool(host.partition(".")[0])
    return pattern == host


def _key(certificate: x509.Certificate) -> PublicKey:
    try:
        return keys.checked(certificate.public_key(), "its certificate")
    except (InvalidArgument, ValueError, UnsupportedAlgorithm) as error:
        raise DeniedByPolicy(f"its certificate's key cannot be used: {error}") from None


def _names(certificate: x509.Certificate, kind: type[x509.RFC822Name | x509.DNSName]) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return list(found.value.get_values_for_type(kind))


def _oidc_issuer(certificate: x509.Certificate) -> str:
    """Both extensions that say it must say the same. Raises DeniedByPolicy for none."""
    said = _said(certificate, _ISSUER_V1, _ISSUER_V2)
    if len(said) != 1:
        raise DeniedByPolicy("its certificate does not say who identified its signer")
    return said.pop()


def _said(certificate: x509.Certificate, *oids: x509.ObjectIdentifier) -> set[str]:
    """What extensions of Fulcio say, of those that are there. Raises Corrupt."""
    said = set()
    for oid in oids:
        try:
            found = certificate.extensions.get_extension_for_oid(oid).value
        except x509.ExtensionNotFound:
            continue
        assert isinstance(found, x509.UnrecognizedExtension)
        data = found.value if oid == _ISSUER_V1 else _utf8(found.value)
        said.add(data.decode(errors="replace"))
    return said


def _utf8(der: bytes) -> bytes:
    """What a DER UTF8String holds (tag 12), which is a short text here. Raises Corrupt."""
    head, content = 2, der[2:]
    if len(der) > 2 and der[1] == 0x81:
        head, content = 3, der[3:]
    if der[:1] != b"\x0c" or len(der) < head or der[head - 1] != len(content):
        raise Corrupt("an extension of its certificate is no text")
    return content


def _check_path(
    leaf: x509.Certificate,
    more: Sequence[x509.Certificate],
    trusted: Sequence[x509.Certificate],
    time: datetime,
) -> None:
    """Raise DeniedByPolicy unless a path leads from the leaf to a trusted authority."""
    _check_certificate(leaf, time, "its certificate")
    if not _may_sign_code(leaf, needed=True):
        raise DeniedByPolicy("its certificate is not for signing code")
    if not _leads(leaf, more[:_MOST], trusted, time):
        raise DeniedByPolicy("its certificate was not issued by a known authority")


def _leads(
    leaf: x509.Certificate,
    more: Sequence[x509.Certificate],
    trusted: Sequence[x509.Certificate],
    time: datetime,
) -> bool:
    """Whether a path leads to a trusted authority. Each certificate is looked at once, by the
    shortest path to it: those that vouch for one another in circles cost no more.
    """
    reached, left = [(leaf, 0)], list(more)
    for certificate, depth in reached:  # depth: how many authorities are below its issuer
        if any(_issued(certificate, root, time, depth) for root in trusted):
            return True
        if depth < _DEEPEST:
            found = [one for one in left if _issued(certificate, one, time, depth)]
            reached += [(one, depth + 1) for one in found]
            left = [one for one in left if one not in found]
    return False


def _issued(
    certificate: x509.Certificate, issuer: x509.Certificate, time: datetime, depth: int
) -> bool:
    """Whether an authority that may do so issued a certificate."""
    if certificate.issuer != issuer.subject or certificate == issuer:
        return False
    try:
        _check_certificate(issuer, time, "an authority")
        basic = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = issuer.extensions.get_extension_for_class(x509.KeyUsage).value
        certificate.verify_directly_issued_by(issuer)
    except (DeniedByPolicy, x509.ExtensionNotFound, InvalidSignature, ValueError, TypeError,
            UnsupportedAlgorithm, x509.DuplicateExtension):  # fmt: skip
        return False
    fits = basic.path_length is None or depth <= basic.path_length
    return basic.ca and fits and usage.key_cert_sign and _may_sign_code(issuer, needed=False)


def _check_certificate(certificate: x509.Certificate, time: datetime, what: str) -> None:
    """Raise DeniedByPolicy for one that is not valid at a time, or that nobody understands."""
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not begins <= time <= ends:
        raise DeniedByPolicy(
            f"{what} is valid from {begins:%Y-%m-%d %H:%M:%S} to {ends:%Y-%m-%d %H:%M:%S} UTC,"
            f" not on {time:%Y-%m-%d %H:%M:%S}"
        )
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in _UNDERSTOOD:
            raise DeniedByPolicy(f"{what} has a critical extension {extension.oid.dotted_string}")


def _may_sign_code(certificate: x509.Certificate, *, needed: bool) -> bool:
    """Whether its extended key usage allows that. needed: whether it must say so."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return not needed
    return any(usage in found.value for usage in _NOW_AND_ANY)
