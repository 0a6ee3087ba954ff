"""JWE and the encryption of layers: for whom it is, damage, and what is no key."""

from __future__ import annotations

import io
import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from rundlet.core.content import jwe
from rundlet.core.content.sealing import Opening, Sealing
from rundlet.core.errors import Corrupt, InvalidArgument

RSA = rsa.generate_private_key(65537, 2048)
CURVES = [ec.generate_private_key(curve()) for curve in (ec.SECP256R1, ec.SECP384R1)]
PEM = (
    serialization.Encoding.PEM,
    serialization.PublicFormat.SubjectPublicKeyInfo,
)


@given(st.binary(max_size=500), st.sets(st.sampled_from(range(3)), min_size=1))
@settings(max_examples=20, deadline=None)
def test_every_recipient_opens_it_and_no_other(plain: bytes, chosen: set[int]) -> None:
    keys = [RSA, *CURVES]
    made = jwe.encrypt(plain, [keys[number].public_key() for number in sorted(chosen)])
    for number, key in enumerate(keys):
        assert jwe.decrypt(made, [key]) == (plain if number in chosen else None)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_damaged(data: st.DataObject) -> None:
    """Any changed byte gives Corrupt or None, never another content."""
    made = bytearray(jwe.encrypt(b"the key", [CURVES[0].public_key()]))
    position = data.draw(st.integers(0, len(made) - 1))
    made[position] ^= data.draw(st.integers(1, 255))
    try:
        assert jwe.decrypt(bytes(made), [CURVES[0]]) in (None, b"the key")
    except Corrupt:
        pass


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b"null", b"\xff", b'{"protected": 3}', b'{"protected": "bnVsbA"}'],
)
def test_malformed(data: bytes) -> None:
    with pytest.raises(Corrupt):
        jwe.decrypt(data, [RSA])


def test_header_of_hostile_kinds() -> None:
    """A point that is not on its curve is not used."""
    made = json.loads(jwe.encrypt(b"x", [key.public_key() for key in CURVES]))
    for item in made["recipients"]:
        item["header"]["epk"]["x"] = item["header"]["epk"]["y"]
    assert jwe.decrypt(json.dumps(made).encode(), CURVES) is None


def test_no_keys() -> None:
    other = ed25519.Ed25519PrivateKey.generate()
    for data in (b"", b"words", other.public_key().public_bytes(*PEM)):
        with pytest.raises(InvalidArgument):
            jwe.public_key(data, "it")
    locked = RSA.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"word"),
    )
    assert jwe.private_key(locked, b"word", "it")
    for password in (None, b"other"):
        with pytest.raises(InvalidArgument):
            jwe.private_key(locked, password, "it")


@given(st.binary(max_size=2000), st.integers(1, 700))
@settings(deadline=None)
def test_sealed_and_opened(plain: bytes, piece: int) -> None:
    sealing = Sealing(io.BytesIO(plain))
    sealed = b"".join(iter(lambda: sealing.read(piece), b""))
    assert len(sealed) == len(plain)
    opened = Opening(io.BytesIO(sealed), sealing.secret, "it")
    assert b"".join(iter(lambda: opened.read(piece), b"")) == plain


@given(st.binary(min_size=1, max_size=2000), st.data())
@settings(deadline=None)
def test_changed_layers_never_end_well(plain: bytes, data: st.DataObject) -> None:
    sealing = Sealing(io.BytesIO(plain))
    sealed = bytearray(sealing.read())
    if data.draw(st.booleans()):
        sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1
    else:
        del sealed[data.draw(st.integers(0, len(sealed) - 1)) :]
    with pytest.raises(Corrupt, match="HMAC"):
        Opening(io.BytesIO(bytes(sealed)), sealing.secret, "it").read()
