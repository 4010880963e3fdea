"""Certificates of the emulated maker, module and world: who made this key, in which module, for which world.

The chain (research, section 2.5):

    maker's root ──signs──> warrant {esn, klf2}
    KLF2         ──signs──> module state {esn, kml, hknso, hkm}
    KML          ──signs──> key generation {key, acl, protection, hkm, hknso, esn, counter}
    KNSO         ──signs──> world binding {suite, hknso, hkm, hkmc, hkre, hkra}, of a strict FIPS world hkfips too

All keys are ECDSA P-521 whatever the cipher suite's name says (declared in `docs/emulator.md`): DSA is gone from
FIPS 186-5. The maker's root is a published constant: anybody can make an emulated module, nobody a genuine one.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from hsm_emulator import crypto, encoding
from hsm_emulator.errors import Refused, Status


class Kind(StrEnum):
    """What a certificate says; part of the signed bytes, so one kind never passes for another."""

    WARRANT = "warrant"
    MODULE_STATE = "module-state"
    KEY_GENERATION = "key-generation"
    WORLD_BINDING = "world-binding"
    FIPS_WORLD_BINDING = "fips-world-binding"


FIELDS: Final = {
    Kind.WARRANT: frozenset({"esn", "klf2"}),
    Kind.MODULE_STATE: frozenset({"esn", "kml", "hknso", "hkm"}),
    Kind.KEY_GENERATION: frozenset(
        {"key_type", "public_key", "key_hash", "acl", "protection", "hkm", "hknso", "esn", "counter"}
    ),
    Kind.WORLD_BINDING: frozenset({"suite", "knso", "hknso", "hkm", "hkmc", "hkre", "hkra"}),
    Kind.FIPS_WORLD_BINDING: frozenset({"suite", "knso", "hknso", "hkm", "hkmc", "hkre", "hkra", "hkfips"}),
}
"""The fields of each kind's body; public keys are base64 of their DER SubjectPublicKeyInfo."""

ROOT_PRIVATE: Final = (
    (int.from_bytes(hashlib.sha512(b"SIMULATED HSM maker root, no secrecy").digest()) % (crypto.P521_ORDER - 1)) + 1
).to_bytes(66)
"""The emulated maker's signing key: a constant on purpose."""


class Certificate(Struct, frozen=True, kw_only=True):
    """A body and a signature over kind and body."""

    kind: Kind
    body: dict[str, Any]
    signature: bytes


def root_public() -> bytes:
    """Return the emulated root's SubjectPublicKeyInfo."""
    return crypto.verify_key(ROOT_PRIVATE)


def root_hash(public: bytes) -> str:
    """Return the hash by which a maker's root is known: 40 hex digits."""
    return crypto.key_hash("root", public)


def issue(kind: Kind, body: dict[str, Any], private: bytes) -> Certificate:
    """Sign a body. Deterministic."""
    encoding.fields(body, FIELDS[kind], kind.value)
    return Certificate(kind=kind, body=body, signature=crypto.sign(private, _signed(kind, body)))


def check(certificate: Certificate, kind: Kind, public: bytes, signer: str) -> dict[str, Any]:
    """Return the body of a certificate that the key `public` signed.

    Args:
        certificate: as received.
        kind: the kind it must be.
        public: the signer's SubjectPublicKeyInfo.
        signer: the signer's name in words, for the refusal.

    Raises:
        Refused: VerifyFailed, naming the certificate and the signer.
    """
    if certificate.kind is not kind:
        raise Refused(Status.VERIFY_FAILED, f"a {certificate.kind.value} certificate stands where {kind.value} belongs")
    if not crypto.verify(public, certificate.signature, _signed(kind, certificate.body)):
        raise Refused(Status.VERIFY_FAILED, f"the {kind.value} certificate is not signed by {signer}")
    return certificate.body


def to_data(certificate: Certificate) -> dict[str, Any]:
    """Return the certificate in its stored form."""
    return {
        "kind": certificate.kind.value,
        "body": certificate.body,
        "signature": encoding.text(certificate.signature),
    }


def from_data(value: object, kind: Kind) -> Certificate:
    """Return the certificate of its stored form, with exactly the fields of its kind.

    Raises:
        DamagedFile: another form, another kind, or unknown fields.
    """
    data = encoding.fields(value, frozenset({"kind", "body", "signature"}), f"the {kind.value} certificate")
    if data["kind"] != kind.value:
        raise Refused(Status.VERIFY_FAILED, f"another certificate stands where {kind.value} belongs")
    body = encoding.fields(data["body"], FIELDS[kind], f"the {kind.value} certificate")
    return Certificate(kind=kind, body=body, signature=encoding.untext(data["signature"], "a signature"))


def kind_of(value: object) -> str:
    """Return the kind that a stored certificate names, "" where it names none."""
    kind = value.get("kind") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) else ""


def _signed(kind: Kind, body: dict[str, Any]) -> bytes:
    return b"SIMULATED " + kind.value.encode() + b"\0" + encoding.encode(body)
