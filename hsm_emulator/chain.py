"""The chain that certifies a key: maker's root → warrant → module state → key generation, and the hashes along it."""

from __future__ import annotations

from typing import Any

from hsm_emulator import attestation, crypto, encoding
from hsm_emulator.attestation import Certificate, Kind
from hsm_emulator.errors import DamagedFile, Refused, Status


def public_key_hash(public: bytes) -> str:
    """Return the key hash of an RSA key from its DER SubjectPublicKeyInfo: 40 hex digits."""
    return crypto.key_hash("key", public)


def knso_hash(public: bytes) -> str:
    """Return hknso, the identity of a world, from KNSO's DER SubjectPublicKeyInfo: 40 hex digits."""
    return crypto.key_hash("knso", public)


def check_chain(root: bytes, warrant: Certificate, module_state: Certificate, what: str) -> dict[str, Any]:
    """Return the module state's body after checking root → warrant → module state; `what` names the owner in words.

    Raises:
        DamagedFile: a certificate holds something other than a key where a key belongs.
        Refused: VerifyFailed.
    """
    body = attestation.check(warrant, Kind.WARRANT, root, f"the root of {what}")
    klf2 = encoding.untext(body["klf2"], "KLF2")
    state = attestation.check(module_state, Kind.MODULE_STATE, klf2, f"the KLF2 of {what}")
    if word(state, "esn") != word(body, "esn"):
        raise failed(f"warrant and module state of {what} are of different modules")
    return state


def check_generation(
    certificate: Certificate, state: dict[str, Any], what: str, hint: str = ""
) -> tuple[dict[str, Any], bytes]:
    """Return the body of a key generation certificate and the public key in it (DER SubjectPublicKeyInfo).

    The module of `state` signed it, in the world of `state`, and the key hash is that of the public key.

    Raises:
        DamagedFile: a field is not what it should be.
        Refused: VerifyFailed; `what` names the key in words, `hint` says why another KML may have signed.
    """
    kml = encoding.untext(state["kml"], "KML")
    signer = f"the KML of the module that certifies {what}{hint}"
    body = attestation.check(certificate, Kind.KEY_GENERATION, kml, signer)
    if world_of(body) != world_of(state) or body["esn"] != state["esn"]:
        raise failed(f"{what} was not generated in the module and world that certify it")
    public = encoding.untext(body["public_key"], "the public key")
    if body["key_hash"] != public_key_hash(public):
        raise failed(f"the key hash of {what} is not that of its public key")
    return body, public


def check_binding(certificate: Certificate, state: dict[str, Any], what: str) -> dict[str, Any]:
    """Return the body of a world binding after checking that its KNSO signed it, for the world of the module `state`.

    Whose KNSO it is shows by its hash, which is the world's identity; `what` names the world in words.

    Raises:
        DamagedFile: a field is not what it should be.
        Refused: VerifyFailed.
    """
    knso = encoding.untext(certificate.body["knso"], "KNSO")
    kind = Kind.FIPS_WORLD_BINDING if certificate.kind is Kind.FIPS_WORLD_BINDING else Kind.WORLD_BINDING
    binding = attestation.check(certificate, kind, knso, "the KNSO it names")
    if binding["hknso"] != knso_hash(knso):
        raise failed(f"{what}'s hknso is not the hash of its KNSO")
    if world_of(binding) != world_of(state):
        raise failed(f"the module that certifies {what} is in another world")
    return binding


def binding_of(value: object) -> Certificate:
    """Return a world's binding of its stored form, of either kind.

    Raises:
        DamagedFile: another form, or unknown fields.
        Refused: VerifyFailed, another certificate stands there.
    """
    strict = attestation.kind_of(value) == Kind.FIPS_WORLD_BINDING
    return attestation.from_data(value, Kind.FIPS_WORLD_BINDING if strict else Kind.WORLD_BINDING)


def join(kmc: bytes, esn: str, kml: str) -> bytes:
    """Return KMC's signature that a module is in the world: over its serial number and its KML (base64)."""
    return crypto.sign(kmc, _joined(esn, kml))


def check_joined(kmc: bytes, signature: bytes, state: dict[str, Any], binding: dict[str, Any]) -> None:
    """Check that the world's KMC (SubjectPublicKeyInfo) admitted the module of `state`.

    Raises:
        DamagedFile: a field is not what it should be.
        Refused: VerifyFailed.
    """
    if kmc_hash(kmc) != binding["hkmc"]:
        raise failed("the KMC is not the one that the world binds")
    if not crypto.verify(kmc, signature, _joined(word(state, "esn"), word(state, "kml"))):
        raise failed("the world's KMC did not admit the module")


def kmc_hash(public: bytes) -> str:
    """Return hkmc from KMC's DER SubjectPublicKeyInfo: 40 hex digits."""
    return crypto.key_hash("kmc", public)


def world_of(body: dict[str, Any]) -> tuple[str, str]:
    """Return hknso and hkm of a certificate's body.

    Raises:
        DamagedFile: they are not text.
    """
    return word(body, "hknso"), word(body, "hkm")


def word(data: dict[str, Any], name: str) -> str:
    """Return the text of field `name`.

    Raises:
        DamagedFile: it is not text.
    """
    value = data[name]
    if not isinstance(value, str):
        raise DamagedFile(f"{name} is not text")
    return value


def failed(words: str) -> Refused:
    """Return the refusal of a check."""
    return Refused(Status.VERIFY_FAILED, words)


def _joined(esn: str, kml: str) -> bytes:
    return b"SIMULATED module certificate 1\0" + encoding.encode({"esn": esn, "kml": kml})
