"""People's keys and their signatures: public keys of OpenSSH, and SSHSIG (PROTOCOL.sshsig of OpenSSH, version 1).

What is accepted here, `ssh-keygen -Y verify` accepts; it reads over a few spellings that are refused here: bytes behind
the armour, text with a NUL at its end, version 0. Nothing else of OpenSSH's is taken either: certificates, DSA, RSA
with SHA-1, WebAuthn, and FIDO signatures made without a touch.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurve,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from runner.canonical import Purpose, digest
from runner.verification.reading import ShapeError
from runner.verification.wire import Wire, mpint, string

_MAGIC: Final = b"SSHSIG"
_VERSION: Final = (1).to_bytes(4)
_ARMOUR: Final = re.compile(
    rb"-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\s]*)\n-----END SSH SIGNATURE-----\n?"  # the white space of isspace
)
_DIGESTS: Final = {b"sha256": hashlib.sha256, b"sha512": hashlib.sha512}

_RSA: Final = b"ssh-rsa"
_RSA_ALGORITHMS: Final = {b"rsa-sha2-256": SHA256, b"rsa-sha2-512": SHA512}
_LEAST_BITS: Final = 2048
_LEAST_EXPONENT: Final = 3
_ED25519_LENGTH: Final = 32
_UNCOMPRESSED: Final = b"\x04"
_USER_PRESENT: Final = 0x01
"""The flag of FIDO2 that says that somebody touched the token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Curve:
    name: bytes
    curve: EllipticCurve
    hash: HashAlgorithm


_NISTP256: Final = _Curve(name=b"nistp256", curve=SECP256R1(), hash=SHA256())
_CURVES: Final = {
    b"ecdsa-sha2-nistp256": _NISTP256,
    b"ecdsa-sha2-nistp384": _Curve(name=b"nistp384", curve=SECP384R1(), hash=SHA384()),
    b"ecdsa-sha2-nistp521": _Curve(name=b"nistp521", curve=SECP521R1(), hash=SHA512()),
    b"sk-ecdsa-sha2-nistp256@openssh.com": _NISTP256,
}
_ED25519: Final = frozenset({b"ssh-ed25519", b"sk-ssh-ed25519@openssh.com"})
_FIDO: Final = frozenset({b"sk-ssh-ed25519@openssh.com", b"sk-ecdsa-sha2-nistp256@openssh.com"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A person's public key.

    Attributes:
        type: such as `ssh-ed25519`.
        identity: what the key is: its wire form (RFC 4253, section 6.6) with every number written the shortest way. It
            is the same for two spellings of one key. The application of a FIDO key is part of it.
        public: what checks.
        application: whom a FIDO token made the key for; None: the key is of no token.
    """

    type: bytes
    identity: bytes
    public: Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey
    application: bytes | None

    @property
    def fingerprint(self) -> str:
        """The key's digest as `ssh-keygen -l` prints it: `SHA256:` and base64 without `=`."""
        return f"SHA256:{base64.b64encode(digest(Purpose.FILE, self.identity)).decode().rstrip('=')}"


def read_key(text: str) -> PublicKey:
    """Return the key of `<type> <base64>`, one space between them and nothing around them.

    Raises:
        ShapeError: another form, another type, a key that is not of its type, or one too weak.
    """
    name, _space, spelt = text.partition(" ")
    blob = _decoded(spelt)
    if not blob:
        raise ShapeError("not a public key of OpenSSH: a type, a space, base64")
    key = _read_blob(blob)
    if name.encode(errors="replace") != key.type:
        raise ShapeError("the key is of another type than is written before it")
    return key


def check_signature(armoured: bytes, message: bytes, *, namespace: str, key: PublicKey) -> None:
    """Return if `armoured` is the signature over `message` that this key made in this namespace.

    1. The armour holds canonical base64; white space in it is read over.
    2. The envelope is of version 1, and the key in it is this one.
    3. Its namespace is this one, and not empty.
    4. The digest is one of the two that are allowed.
    5. The signature is over the namespace and the message's digest. What `reserved` holds is read over and an empty one
       is signed, as OpenSSH does.

    Raises:
        ShapeError: any of these is not so.
    """
    armour = _ARMOUR.fullmatch(armoured)
    wire = Wire(_decoded(b"".join(armour[1].split())) if armour else b"", "the signature file")
    if armour is None or wire.take(len(_MAGIC)) != _MAGIC or wire.take(len(_VERSION)) != _VERSION:
        raise ShapeError("not an SSH signature of version 1")
    signer, space, _reserved, hashed, signature = (wire.string() for _field in range(5))
    wire.end()
    if _read_blob(signer).identity != key.identity:
        raise ShapeError(f"it was made with another key than {key.fingerprint}")
    if not namespace or space != namespace.encode():
        raise ShapeError(f"it was not made in the namespace {namespace}")
    if hashed not in _DIGESTS:
        raise ShapeError("it is over another digest than SHA-256 and SHA-512")
    signed = _MAGIC + string(space) + string(b"") + string(hashed) + string(_DIGESTS[hashed](message).digest())
    _check(key, signature, signed)


def _check(key: PublicKey, signature: bytes, signed: bytes) -> None:
    """Check a signature blob (RFC 4253, section 6.6; PROTOCOL.u2f of OpenSSH) over the bytes that were signed."""
    wire = Wire(signature, "the signature")
    algorithm, made = wire.string(), wire.string()
    if algorithm not in (_RSA_ALGORITHMS if key.type == _RSA else {key.type}):
        raise ShapeError("the signature is of another kind than the key")
    if key.application is not None:
        flags, counter = wire.take(1), wire.take(4)
        if not flags[0] & _USER_PRESENT:
            raise ShapeError("the token was not touched")
        signed = digest(Purpose.FILE, key.application) + flags + counter + digest(Purpose.FILE, signed)
    wire.end()
    if not _verifies(key, algorithm, made, signed):
        raise ShapeError(f"it is not the signature of {key.fingerprint} over this text")


def _verifies(key: PublicKey, algorithm: bytes, made: bytes, signed: bytes) -> bool:
    try:
        match key.public:
            case Ed25519PublicKey():
                key.public.verify(made, signed)
            case EllipticCurvePublicKey():
                key.public.verify(_in_der(made), signed, ECDSA(_CURVES[algorithm].hash))
            case RSAPublicKey():
                whole = made.rjust((key.public.key_size + 7) // 8, b"\0")  # zeros in front may be dropped
                key.public.verify(whole, signed, PKCS1v15(), _RSA_ALGORITHMS[algorithm]())
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _in_der(made: bytes) -> bytes:
    wire = Wire(made, "the signature")
    r, s = wire.mpint(), wire.mpint()
    wire.end()
    return encode_dss_signature(r, s)


def _read_blob(blob: bytes) -> PublicKey:
    """Return the key of its wire form, all of it."""
    wire = Wire(blob, "the key")
    name = wire.string()
    public: Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey
    if name in _ED25519:
        public, material = _ed25519(wire)
    elif name in _CURVES:
        public, material = _on_curve(wire, _CURVES[name])
    elif name == _RSA:
        public, material = _rsa(wire)
    else:
        raise ShapeError("a key of a type that people's signatures are not made with")
    application = wire.string() if name in _FIDO else None
    wire.end()
    if application is not None and b"\0" in application:
        raise ShapeError("the application of a FIDO key holds a NUL")
    identity = string(name) + material + (b"" if application is None else string(application))
    return PublicKey(type=name, identity=identity, public=public, application=application)


def _ed25519(wire: Wire) -> tuple[Ed25519PublicKey, bytes]:
    raw = wire.string()
    if len(raw) != _ED25519_LENGTH:
        raise ShapeError("an Ed25519 key of another length than 32 bytes")
    return Ed25519PublicKey.from_public_bytes(raw), string(raw)


def _on_curve(wire: Wire, curve: _Curve) -> tuple[EllipticCurvePublicKey, bytes]:
    name, point = wire.string(), wire.string()
    if name != curve.name or point[:1] != _UNCOMPRESSED:
        raise ShapeError("an ECDSA key on another curve than its type's, or not written as a whole point")
    try:
        public = EllipticCurvePublicKey.from_encoded_point(curve.curve, point)
    except ValueError:
        raise ShapeError("an ECDSA key that is no point of its curve") from None
    return public, string(name) + string(public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def _rsa(wire: Wire) -> tuple[RSAPublicKey, bytes]:
    exponent, modulus = wire.mpint(), wire.mpint()
    if modulus.bit_length() < _LEAST_BITS or not modulus % 2:
        raise ShapeError(f"an RSA key of less than {_LEAST_BITS} bits, or with an even modulus")
    if exponent < _LEAST_EXPONENT or not exponent % 2 or exponent >= modulus:
        raise ShapeError("an RSA key with an even or too small exponent")
    return RSAPublicNumbers(exponent, modulus).public_key(), mpint(exponent) + mpint(modulus)


def _decoded(text: str | bytes) -> bytes:
    """Return the bytes of canonical base64; nothing where it is another spelling."""
    try:
        data = base64.b64decode(text, validate=True)
        spelt = text.encode() if isinstance(text, str) else text
    except (binascii.Error, ValueError):
        return b""
    return data if base64.b64encode(data) == spelt else b""
