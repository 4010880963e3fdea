"""Every use of a cryptography library in the emulator, behind a few functions whose randomness is an argument.

OpenSSL draws randomness of its own in four places (RSA generation, OAEP, ECDSA, and pycryptodome's Shamir split). Here
RSA keys come from a `Draw`, OAEP takes its seed from one, ECDSA is deterministic (RFC 6979) and sharing is in
`sharing.py`, so a seeded `Draw` and a fixed clock give byte-identical runs, which the crash tests need.
A real run uses `SystemDraw` and cannot be seeded.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE: Final = 12
"""Bytes of an AES-GCM nonce (NIST SP 800-38D, section 5.2.1.1)."""

SCRYPT_N: Final = 1 << 15
"""Cost of a PIN: scrypt (RFC 7914) with N = 2¹⁵, r = 8, p = 1; 79 ms a derivation on the reference machine."""

SCRYPT_R: Final = 8

PUBLIC_EXPONENT: Final = 65537

P521_ORDER: Final = int(
    "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa"
    "51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
    16,
)
"""Order of the group of NIST P-521 (SEC 2, section 2.6.1)."""


class Draw(Protocol):
    """Where randomness comes from."""

    def take(self, size: int) -> bytes:
        """Return `size` fresh random bytes."""
        ...

    def rsa(self, bits: int) -> rsa.RSAPrivateKey:
        """Return a fresh RSA key with public exponent 65537."""
        ...


class SystemDraw:
    """Randomness of the operating system; the only draw a command line can have."""

    def take(self, size: int) -> bytes:
        """Return `size` bytes of the operating system's randomness."""
        return secrets.token_bytes(size)

    def rsa(self, bits: int) -> rsa.RSAPrivateKey:
        """Return an RSA key made by OpenSSL."""
        return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def sha256(data: bytes) -> bytes:
    """Return the SHA-256 digest: 32 bytes. Integrity always uses this one."""
    return hashlib.sha256(data).digest()


def key_hash(kind: str, material: bytes) -> str:
    """Return the identifier of a key or token as the device prints it: 40 lower-case hex digits.

    SHA-1 over a tagged encoding, as the device does; an identifier only, integrity never rests on it.
    """
    return hashlib.sha1(b"SIMULATED nCore hash\0" + kind.encode() + b"\0" + material, usedforsecurity=False).hexdigest()


def same(left: bytes, right: bytes) -> bool:
    """Compare two byte strings in constant time."""
    return hmac.compare_digest(left, right)


def hkdf(secret: bytes, info: bytes, size: int = 32) -> bytes:
    """Derive `size` bytes with HKDF-SHA256 (RFC 5869), no salt; `info` names the purpose."""
    return HKDF(algorithm=hashes.SHA256(), length=size, salt=None, info=info).derive(secret)


def scrypt(pin: bytes, salt: bytes, n: int) -> bytes:
    """Stretch a PIN into 32 bytes with scrypt (RFC 7914), r = 8, p = 1."""
    return hashlib.scrypt(pin, salt=salt, n=n, r=SCRYPT_R, p=1, maxmem=256 * n * SCRYPT_R, dklen=32)


def seal(key: bytes, plaintext: bytes, aad: bytes, draw: Draw) -> bytes:
    """Return nonce ‖ AES-256-GCM ciphertext ‖ tag of `plaintext`, bound to `aad`."""
    nonce = draw.take(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, aad)


def unseal(key: bytes, sealed: bytes, aad: bytes) -> bytes | None:
    """Return what `seal` sealed, or None: another key, another `aad`, or changed bytes."""
    if len(sealed) < NONCE + 16:
        return None
    try:
        return AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], aad)
    except InvalidTag:
        return None


def signing_key(draw: Draw) -> bytes:
    """Return a fresh ECDSA P-521 private number: 66 bytes, big-endian."""
    scalar = 0
    while not 1 <= scalar < P521_ORDER:
        scalar = int.from_bytes(draw.take(66)) & ((1 << 521) - 1)
    return scalar.to_bytes(66)


def verify_key(private: bytes) -> bytes:
    """Return the public half of a signing key: DER SubjectPublicKeyInfo (RFC 5480)."""
    return _spki(ec.derive_private_key(int.from_bytes(private), ec.SECP521R1()).public_key())


def sign(private: bytes, message: bytes) -> bytes:
    """Return a deterministic ECDSA P-521 / SHA-512 signature (RFC 6979), DER."""
    key = ec.derive_private_key(int.from_bytes(private), ec.SECP521R1())
    return key.sign(message, ec.ECDSA(hashes.SHA512(), deterministic_signing=True))


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """Say whether `signature` over `message` is by the P-521 key with this SubjectPublicKeyInfo."""
    try:
        key = serialization.load_der_public_key(public)
    except (ValueError, UnsupportedAlgorithm):
        return False
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP521R1):
        return False
    try:
        key.verify(signature, message, ec.ECDSA(hashes.SHA512()))
    except InvalidSignature:
        return False
    return True


def rsa_private_der(key: rsa.RSAPrivateKey) -> bytes:
    """Return the PKCS#8 DER (RFC 5208) of an RSA key, unencrypted: for sealing only."""
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def rsa_public_der(key: rsa.RSAPrivateKey) -> bytes:
    """Return the DER SubjectPublicKeyInfo of an RSA key."""
    return _spki(key.public_key())


def rsa_load(der: bytes) -> rsa.RSAPrivateKey:
    """Return the RSA key of PKCS#8 DER that this package sealed itself.

    Its arithmetic is not checked again (36 ms a key): the bytes come out of an authenticated blob.
    """
    key = serialization.load_der_private_key(der, password=None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("the blob holds no RSA key")
    return key


def rsa_load_foreign(der: bytes) -> rsa.RSAPrivateKey | None:
    """Return the RSA key of PKCS#8 DER that somebody else made, its arithmetic checked; None where it is not one."""
    try:
        key = serialization.load_der_private_key(der, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, rsa.RSAPrivateKey) else None


def rsa_bits(public: bytes) -> int:
    """Return the size of the RSA key with this SubjectPublicKeyInfo; 0 for another kind or an exponent but 65537."""
    try:
        key = serialization.load_der_public_key(public)
    except (ValueError, UnsupportedAlgorithm):
        return 0
    if not isinstance(key, rsa.RSAPublicKey) or key.public_numbers().e != PUBLIC_EXPONENT:
        return 0
    return key.key_size


def rsa_numbers(public: bytes) -> tuple[int, int]:
    """Return modulus and exponent of the RSA key with this SubjectPublicKeyInfo, which `rsa_bits` accepts."""
    key = serialization.load_der_public_key(public)
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("not an RSA key")
    return key.public_numbers().n, key.public_numbers().e


def rsa_sign(private_der: bytes, message: bytes) -> bytes:
    """Return an RSASSA-PKCS1-v1_5 / SHA-256 signature (RFC 8017); deterministic."""
    return rsa_load(private_der).sign(message, padding.PKCS1v15(), hashes.SHA256())


def rsa_verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """Say whether `signature` over `message` is by the RSA key with this SubjectPublicKeyInfo."""
    try:
        key = serialization.load_der_public_key(public)
    except (ValueError, UnsupportedAlgorithm):
        return False
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    try:
        key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def oaep_encrypt(public: bytes, plaintext: bytes, draw: Draw) -> bytes:
    """Encrypt to an RSA key with RSAES-OAEP (RFC 8017): SHA-256, MGF1-SHA-256, empty label; the seed is drawn."""
    from Crypto.Cipher import PKCS1_OAEP  # loading it takes 60 ms, and only this function needs it
    from Crypto.Hash import SHA256
    from Crypto.PublicKey import RSA

    cipher = PKCS1_OAEP.new(RSA.import_key(public), hashAlgo=SHA256, randfunc=draw.take)
    return cipher.encrypt(plaintext)


def oaep_decrypt(private_der: bytes, ciphertext: bytes) -> bytes | None:
    """Return what `oaep_encrypt` encrypted, or None: another key or changed bytes."""
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
    try:
        return rsa_load(private_der).decrypt(ciphertext, oaep)
    except ValueError:
        return None


def _spki(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
