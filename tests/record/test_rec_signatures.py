"""People's keys and signatures: what `ssh-keygen` refuses is refused here; where only we refuse, it is written down."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.verification.reading import ShapeError
from runner.verification.signatures import check_signature, read_key
from runner.verification.signers import APPROVE, ATTEST, CLOSE, RECEIVE, allowed_signers, distinct

VECTORS: Final = Path(__file__).parents[1] / "vectors"
MESSAGE: Final = (VECTORS / "sshsig" / "message.txt").read_bytes()
PROGRAM: Final = shutil.which("ssh-keygen")
KEYS: Final = {
    name: (f"{kind} {blob}", fingerprint)
    for name, kind, blob, fingerprint in (
        line.split() for line in (VECTORS / "sshsig" / "keys.txt").read_text(encoding="ascii").splitlines()
    )
}
HASHES: Final = ("sha256", "sha512")


def vector(name: str, hashed: str = "sha512") -> bytes:
    return (VECTORS / "sshsig" / f"{name}.{hashed}.sshsig").read_bytes()


def ours(signature: bytes, key: str, *, message: bytes = MESSAGE, namespace: str = ATTEST) -> bool:
    try:
        check_signature(signature, message, namespace=namespace, key=read_key(key))
    except ShapeError:
        return False
    return True


def theirs(folder: Path, signature: bytes, key: str, *, message: bytes = MESSAGE, namespace: str = ATTEST) -> bool:
    """Say whether `ssh-keygen -Y verify` takes it as the signature of this key."""
    if PROGRAM is None:
        pytest.skip("ssh-keygen is not installed")
    (folder / "signers").write_bytes(f"somebody {key}\n".encode())
    (folder / "signature").write_bytes(signature)
    command: list[str | Path] = [PROGRAM, "-Y", "verify", "-f", folder / "signers", "-I", "somebody", "-n", namespace]
    done = subprocess.run([*command, "-s", folder / "signature"], input=message, capture_output=True, check=False)
    return done.returncode == 0


# -- what ssh-keygen made ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hashed", HASHES)
@pytest.mark.parametrize("name", KEYS)
def test_what_ssh_keygen_made_is_accepted_and_its_tampered_twins_are_not(
    tmp_path: Path, name: str, hashed: str
) -> None:
    key, fingerprint = KEYS[name]
    signature = vector(name, hashed)
    assert ours(signature, key)
    assert theirs(tmp_path, signature, key)
    assert read_key(key).fingerprint == fingerprint
    other = KEYS["ed25519" if name != "ed25519" else "nistp256"][0]
    assert not ours(signature, other)
    assert not theirs(tmp_path, signature, other)
    assert not ours(signature, key, message=MESSAGE[:-1])
    assert not theirs(tmp_path, signature, key, message=MESSAGE[:-1])
    for namespace in (APPROVE, CLOSE, RECEIVE, f"{ATTEST}.", ATTEST[:-1]):
        assert not ours(signature, key, namespace=namespace)
    assert not theirs(tmp_path, signature, key, namespace=CLOSE)


def flipped(signature: bytes) -> list[bytes]:
    """Return the file with the lowest bit of one byte changed, for each byte."""
    return [signature[:at] + bytes([byte ^ 1]) + signature[at + 1 :] for at, byte in enumerate(signature)]


def line_ends(signature: bytes) -> list[int]:
    return [at for at, byte in enumerate(signature) if byte == ord("\n")]


def test_no_byte_of_a_signature_file_may_change_but_an_end_of_a_line_in_the_armour() -> None:
    key, signature = KEYS["ed25519"][0], vector("ed25519")
    accepted = [at for at, changed in enumerate(flipped(signature)) if ours(changed, key)]
    assert accepted == line_ends(signature)[1:-2]  # another white space now


@pytest.mark.slow
def test_ssh_keygen_accepts_one_byte_more_changed(tmp_path: Path) -> None:
    key, signature = KEYS["ed25519"][0], vector("ed25519")
    accepted = [at for at, changed in enumerate(flipped(signature)) if theirs(tmp_path, changed, key)]
    ends = line_ends(signature)
    assert accepted == [*ends[1:-2], ends[-1]]  # it reads nothing behind the last line


# -- signatures and keys made here -------------------------------------------------------------------------------------


def string(data: bytes) -> bytes:
    return len(data).to_bytes(4) + data


def number(value: int) -> bytes:
    return string(value.to_bytes(value.bit_length() // 8 + 1))


def armour(data: bytes) -> bytes:
    text = base64.b64encode(data).decode()
    lines = [text[start : start + 70] for start in range(0, len(text), 70)]
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""]).encode()


def to_sign(
    *, reserved: bytes = b"", hashed: str = "sha512", namespace: str = ATTEST, message: bytes = MESSAGE
) -> bytes:
    over = hashlib.new(hashed, message).digest()
    return b"SSHSIG" + b"".join(map(string, (namespace.encode(), reserved, hashed.encode(), over)))


def envelope(
    blob: bytes,
    signature: bytes,
    *,
    magic: bytes = b"SSHSIG",
    version: int = 1,
    namespace: str = ATTEST,
    reserved: bytes = b"",
    hashed: bytes = b"sha512",
    behind: bytes = b"",
) -> bytes:
    fields = b"".join(map(string, (blob, namespace.encode(), reserved, hashed, signature)))
    return armour(magic + version.to_bytes(4) + fields + behind)


def text_of(blob: bytes) -> str:
    kind = blob[4 : 4 + int.from_bytes(blob[:4])].decode()
    return f"{kind} {base64.b64encode(blob).decode()}"


def respelt(text: str) -> str:
    """Return base64 in which a bit is set that says nothing, before its padding."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    at = text.index("=") - 1
    return f"{text[:at]}{alphabet[alphabet.index(text[at]) + 1]}{text[at + 1 :]}"


ED25519: Final = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RAW: Final = ED25519.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
ED25519_BLOB: Final = string(b"ssh-ed25519") + string(RAW)
P256: Final = ec.derive_private_key(0x5EED, ec.SECP256R1())
POINT: Final = P256.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
P256_BLOB: Final = string(b"ecdsa-sha2-nistp256") + string(b"nistp256") + string(POINT)
SK_ED25519: Final = b"sk-ssh-ed25519@openssh.com"
SK_P256: Final = b"sk-ecdsa-sha2-nistp256@openssh.com"


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    key = load_pem_private_key((VECTORS / "rsa" / "test-keys-2048.pem").read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def rsa_blob(*, exponent: int | None = None, modulus: int | None = None, zeros: bytes = b"") -> bytes:
    numbers = rsa_key().public_key().public_numbers()
    spelt = (numbers.n if modulus is None else modulus).to_bytes(257)
    return string(b"ssh-rsa") + number(exponent or numbers.e) + string(zeros + spelt)


def ed25519_signature(**signed: Any) -> bytes:
    return string(b"ssh-ed25519") + string(ED25519.sign(to_sign(**signed)))


def p256_numbers(signed: bytes) -> tuple[int, int]:
    return decode_dss_signature(P256.sign(signed, ec.ECDSA(SHA256())))


@dataclass(frozen=True, kw_only=True)
class Case:
    """A signature file for a key, and who accepts it."""

    key: bytes
    file: bytes
    ours: bool = False
    theirs: bool = False


BOTH: Final[dict[str, Any]] = {"ours": True, "theirs": True}


def ed25519_cases() -> dict[str, Case]:
    blob, good = ED25519_BLOB, ed25519_signature()
    file = envelope(blob, good)
    zero = string(b"ssh-ed25519\0") + string(RAW)

    def case(changed: bytes, **accepted: Any) -> Case:
        return Case(key=blob, file=changed, **accepted)

    return {
        "good": case(file, **BOTH),
        "no line feed at the end": case(file[:-1], **BOTH),
        "one long line": case(file.replace(b"\n", b"").replace(b"-----U", b"-----\nU").replace(b"=-", b"=\n-"), **BOTH),
        "white space in the armour": case(file.replace(b"\nU1", b"\n\t U\r\n1"), **BOTH),
        "lines end as in Windows": case(file.replace(b"\n", b"\r\n")),
        "text before": case(b"\n" + file),
        "text behind": case(file + b"more\n", theirs=True),
        "a second signature behind": case(file + file, theirs=True),
        "the end on the last line": case(file.replace(b"\n-----E", b"-----E")),
        "base64 of two spellings": case(respelt(file.decode()).encode()),
        "no padding": case(file.replace(b"=", b"")),
        "another magic": case(envelope(blob, good, magic=b"SSHSIH")),
        "version 0": case(envelope(blob, good, version=0), theirs=True),
        "version 2": case(envelope(blob, good, version=2)),
        "something reserved": case(envelope(blob, good, reserved=b"tags"), **BOTH),
        "something reserved and signed": case(envelope(blob, ed25519_signature(reserved=b"tags"), reserved=b"tags")),
        "SHA-384": case(envelope(blob, ed25519_signature(hashed="sha384"), hashed=b"sha384")),
        "SHA-1": case(envelope(blob, ed25519_signature(hashed="sha1"), hashed=b"sha1")),
        "the other digest's name": case(envelope(blob, good, hashed=b"sha256")),
        "a NUL behind the digest's name": case(envelope(blob, good, hashed=b"sha512\0"), theirs=True),
        "a NUL behind the key's type": case(envelope(zero, good), theirs=True),
        "a byte behind": case(envelope(blob, good, behind=b"\0")),
        "a byte behind the key": case(envelope(blob + b"\0", good)),
        "a byte behind the signature": case(envelope(blob, good + b"\0")),
        "a short signature": case(envelope(blob, good[:-65] + b"\x3f" + good[-64:-1])),
        "a long signature": case(envelope(blob, good[:-65] + b"\x41" + good[-64:] + b"\0")),
        "of the FIDO type": case(envelope(blob, string(SK_ED25519) + good[15:])),
        "no signature": case(envelope(blob, b"")),
        "an empty file": case(b""),
        "nothing in the armour": case(armour(b"")),
        "cut": case(armour(base64.b64decode(b"".join(file.split(b"\n")[1:-2]))[:-1])),
    }


def p256_cases() -> dict[str, Case]:
    r, s = p256_numbers(to_sign())
    wide = p256_numbers(to_sign(hashed="sha256"))

    def case(made: bytes, **accepted: Any) -> Case:
        file = envelope(P256_BLOB, string(b"ecdsa-sha2-nistp256") + string(made))
        return Case(key=P256_BLOB, file=file, **accepted)

    other = P256.sign(to_sign(), ec.ECDSA(SHA384()))
    return {
        "P-256": case(number(r) + number(s), **BOTH),
        "P-256, zeros in front": case(string(b"\0\0" + r.to_bytes(33)) + number(s), **BOTH),
        "P-256, zero": case(number(0) + number(s)),
        "P-256, negative": case(string((r | 1 << 255).to_bytes(32)) + number(s)),
        "P-256, as DER": case(P256.sign(to_sign(), ec.ECDSA(SHA256()))),
        "P-256, a byte behind": case(number(r) + number(s) + b"\0"),
        "P-256, too long a number": case(string(bytes(3000)) + number(s)),
        "P-256, one number": case(number(r)),
        "P-256, over the other digest": case(number(wide[0]) + number(wide[1])),
        "P-256, with SHA-384": case(b"".join(map(number, decode_dss_signature(other)))),
    }


def rsa_cases() -> dict[str, Case]:
    def case(name: bytes, made: bytes, *, blob: bytes | None = None, **accepted: Any) -> Case:
        file = envelope(blob or rsa_blob(), string(name) + string(made))
        return Case(key=rsa_blob(), file=file, **accepted)

    def signed(hashed: SHA1 | SHA256 | SHA512, pad: padding.PKCS1v15 | padding.PSS | None = None) -> bytes:
        return rsa_key().sign(to_sign(), pad or padding.PKCS1v15(), hashed)

    made = signed(SHA512())
    spelt_otherwise = rsa_blob(zeros=b"\0\0")
    return {
        "RSA with SHA-512": case(b"rsa-sha2-512", made, **BOTH),
        "RSA with SHA-256": case(b"rsa-sha2-256", signed(SHA256()), **BOTH),
        "RSA, the key spelt otherwise": case(b"rsa-sha2-512", made, blob=spelt_otherwise, **BOTH),
        "RSA with SHA-1": case(b"ssh-rsa", signed(SHA1())),  # noqa: S303 (what is refused)
        "RSA, no algorithm but the key's": case(b"ssh-rsa", made),
        "RSA with SHA-256 under the key's name": case(b"ssh-rsa", signed(SHA256())),
        "RSA, the other algorithm": case(b"rsa-sha2-256", made),
        "RSA-PSS": case(b"rsa-sha2-512", signed(SHA512(), padding.PSS(padding.MGF1(SHA512()), 64))),
        "RSA, a zero more in front": case(b"rsa-sha2-512", b"\0" + made),
        "RSA, empty": case(b"rsa-sha2-512", b""),
    }


def fido_cases() -> dict[str, Case]:
    def blob(kind: bytes, application: bytes = b"ssh:") -> bytes:
        material = string(RAW) if kind == SK_ED25519 else string(b"nistp256") + string(POINT)
        return string(kind) + material + string(application)

    def case(
        kind: bytes,
        *,
        flags: int = 1,
        written: int = 1,
        counter: int = 7,
        application: bytes = b"ssh:",
        behind: bytes = b"",
        **accepted: Any,
    ) -> Case:
        digests = [hashlib.sha256(data).digest() for data in (application, to_sign())]
        over = digests[0] + bytes([flags]) + (7).to_bytes(4) + digests[1]
        made = ED25519.sign(over) if kind == SK_ED25519 else b"".join(map(number, p256_numbers(over)))
        signature = string(kind) + string(made) + bytes([written]) + counter.to_bytes(4) + behind
        return Case(key=blob(kind), file=envelope(blob(kind), signature), **accepted)

    cases: dict[str, Case] = {}
    for kind in (SK_ED25519, SK_P256):
        name = kind.decode()
        cases |= {
            f"{name}, touched": case(kind, **BOTH),
            f"{name}, touched and a PIN": case(kind, flags=5, written=5, **BOTH),
            f"{name}, not touched": case(kind, flags=0, written=0, theirs=True),
            f"{name}, only a PIN": case(kind, flags=4, written=4, theirs=True),
            f"{name}, flags changed": case(kind, flags=0),
            f"{name}, counter changed": case(kind, counter=8),
            f"{name}, another application": case(kind, application=b"ssh:other"),
            f"{name}, a byte behind": case(kind, behind=b"\0"),
            f"{name}, no flags": Case(
                key=blob(kind), file=envelope(blob(kind), string(kind) + string(ED25519.sign(to_sign())))
            ),
        }
    plain = envelope(ED25519_BLOB, ed25519_signature())
    cases["a FIDO key in the plan and a plain signature"] = Case(key=blob(SK_ED25519), file=plain)
    return cases


CASES: Final = ed25519_cases() | p256_cases() | rsa_cases() | fido_cases()


@pytest.mark.parametrize("name", CASES)
def test_signatures_made_here(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    assert not case.ours or case.theirs
    assert ours(case.file, text_of(case.key)) is case.ours
    assert theirs(tmp_path, case.file, text_of(case.key)) is case.theirs


def test_an_rsa_signature_without_the_zeros_in_front(tmp_path: Path) -> None:
    for count in range(4000):
        message = b"%d" % count
        made = rsa_key().sign(to_sign(message=message), padding.PKCS1v15(), SHA512())
        if made[0] == 0:
            break
    else:
        pytest.fail("no signature began with a zero")
    file = envelope(rsa_blob(), string(b"rsa-sha2-512") + string(made.lstrip(b"\0")))
    assert ours(file, text_of(rsa_blob()), message=message)
    assert theirs(tmp_path, file, text_of(rsa_blob()), message=message)


def test_no_namespace_is_none_that_is_signed_in() -> None:
    unnamed = envelope(ED25519_BLOB, ed25519_signature(namespace=""), namespace="")
    with pytest.raises(ShapeError, match="namespace"):
        check_signature(unnamed, MESSAGE, namespace="", key=read_key(GOOD))


# -- keys --------------------------------------------------------------------------------------------------------------


def read_by_ssh_keygen(folder: Path, text: str) -> str | None:
    """Return the fingerprint that `ssh-keygen -l` prints, None where it reads no key."""
    if PROGRAM is None:
        pytest.skip("ssh-keygen is not installed")
    (folder / "key.pub").write_bytes(text.encode())
    done = subprocess.run([PROGRAM, "-l", "-f", folder / "key.pub"], capture_output=True, text=True, check=False)
    return done.stdout.split()[1] if done.returncode == 0 else None


def fido(kind: bytes, material: bytes, application: bytes = b"ssh:") -> str:
    return text_of(string(kind) + material + string(application))


@pytest.mark.parametrize(
    "text",
    [
        *(text for text, _fingerprint in KEYS.values()),
        fido(SK_ED25519, string(RAW)),
        fido(SK_P256, string(b"nistp256") + string(POINT)),
        text_of(rsa_blob(zeros=b"\0")),
        text_of(rsa_blob(exponent=3)),
        text_of(rsa_blob(zeros=bytes(1792))),
        text_of(string(b"ssh-rsa") + number(65537) + number((1 << 16383) + 1)),
    ],
)
def test_a_key_has_the_fingerprint_that_ssh_keygen_prints(tmp_path: Path, text: str) -> None:
    assert read_key(text).fingerprint == read_by_ssh_keygen(tmp_path, text)


GOOD: Final = text_of(ED25519_BLOB)
WEAK: Final = string(b"ssh-rsa") + number(65537) + number((1 << 1023) + 1)

REFUSED: Final = {
    "": "",
    "only a type": "ssh-ed25519",
    "no type": GOOD.split()[1],
    "a comment": f"{GOOD} somebody",
    "a line feed behind": f"{GOOD}\n",
    "two spaces": GOOD.replace(" ", "  "),
    "a space before": f" {GOOD}",
    "a tab": GOOD.replace(" ", "\t"),
    "an option before": f"no-pty {GOOD}",
    "base64 of two spellings": respelt(text_of(P256_BLOB)),
    "no padding": text_of(P256_BLOB).rstrip("="),
    "a type not of ASCII": GOOD.replace("ssh", "\u017fsh"),
    "a lone surrogate": GOOD.replace("ssh", "\ud800"),
    "another type before it": GOOD.replace("ssh-ed25519", "ssh-rsa"),
    "a FIDO type before it": GOOD.replace("ssh-ed25519", SK_ED25519.decode()),
    "DSA": text_of(string(b"ssh-dss") + number(7) * 4),
    "a certificate": text_of(string(b"ssh-ed25519-cert-v01@openssh.com") + string(bytes(32)) + string(RAW)),
    "31 bytes": text_of(string(b"ssh-ed25519") + string(RAW[:31])),
    "33 bytes": text_of(string(b"ssh-ed25519") + string(RAW + b"\0")),
    "cut": text_of(ED25519_BLOB[:-1]),
    "a byte behind": text_of(ED25519_BLOB + b"\0"),
    "no application": text_of(string(SK_ED25519) + string(RAW)),
    "a NUL in the application": fido(SK_ED25519, string(RAW), b"ssh:\0more"),
    "a NUL behind the application": fido(SK_ED25519, string(RAW), b"ssh:\0"),
    "a FIDO key on P-384": fido(SK_P256, string(b"nistp384") + string(POINT)),
    "another curve's name": text_of(string(b"ecdsa-sha2-nistp256") + string(b"nistp384") + string(POINT)),
    "another curve's point": text_of(string(b"ecdsa-sha2-nistp384") + string(b"nistp384") + string(POINT)),
    "no point of the curve": text_of(P256_BLOB[:-1] + bytes([P256_BLOB[-1] ^ 1])),
    "a compressed point": text_of(
        string(b"ecdsa-sha2-nistp256") + string(b"nistp256") + string(bytes([2 + POINT[-1] % 2]) + POINT[1:33])
    ),
    "the point at infinity": text_of(string(b"ecdsa-sha2-nistp256") + string(b"nistp256") + string(b"\0")),
    "1024 bits": text_of(WEAK),
    "2047 bits": text_of(rsa_blob(modulus=(1 << 2046) + 1)),
    "16385 bits": text_of(string(b"ssh-rsa") + number(65537) + number((1 << 16384) + 1)),
    "too many zeros in front": text_of(rsa_blob(zeros=bytes(1793))),
    "an even modulus": text_of(rsa_blob(modulus=1 << 2047)),
    "an even exponent": text_of(rsa_blob(exponent=65536)),
    "an exponent of 1": text_of(rsa_blob(exponent=1)),
    "an exponent beyond the modulus": text_of(rsa_blob(exponent=(1 << 2048) + 1)),
    "a negative modulus": text_of(string(b"ssh-rsa") + number(65537) + string(b"\xff" * 256)),
    "a number of 100,000 bytes": text_of(string(b"ssh-rsa") + number(65537) + string(b"\x7f" * 100_000)),
    "a length beyond the end": text_of(string(b"ssh-ed25519")) + base64.b64encode(b"\xff\xff\xff\xff").decode(),
}
"""What is no key. `ssh-keygen` reads some of it, as a line with options or a comment, or as a key that is weak."""


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_key(name: str) -> None:
    read_key(GOOD)
    with pytest.raises(ShapeError):
        read_key(REFUSED[name])


def test_two_spellings_of_a_key_are_one_key() -> None:
    key, again = read_key(text_of(rsa_blob())), read_key(text_of(rsa_blob(zeros=b"\0")))
    assert text_of(rsa_blob()) != text_of(rsa_blob(zeros=b"\0"))
    assert (key.identity, key.fingerprint) == (again.identity, again.fingerprint)
    distinct({"ada": key, "bob": read_key(GOOD)})
    with pytest.raises(ShapeError, match=r"ada and bob have one key, SHA256:"):
        distinct({"ada": key, "eve": read_key(GOOD), "bob": again})


def test_the_application_is_part_of_a_fido_key() -> None:
    keys = {
        fido(SK_ED25519, string(RAW)),
        fido(SK_ED25519, string(RAW), b"ssh:other"),
        fido(SK_ED25519, string(RAW), b""),
        GOOD,
    }
    assert len({read_key(text).identity for text in keys}) == 4


# -- any bytes ---------------------------------------------------------------------------------------------------------


@given(data=st.binary(max_size=400), armoured=st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_refused_with_words(data: bytes, *, armoured: bool) -> None:
    with pytest.raises(ShapeError):
        check_signature(armour(data) if armoured else data, MESSAGE, namespace=ATTEST, key=read_key(GOOD))


@given(
    name=st.sampled_from(sorted(name for name, case in CASES.items() if case.file.endswith(b"--\n"))), data=st.data()
)
@settings(max_examples=300, deadline=None)
def test_any_change_inside_the_armour_gives_a_verdict(name: str, data: st.DataObject) -> None:
    case = CASES[name]
    inner = bytearray(base64.b64decode(b"".join(case.file.split(b"\n")[1:-2]) + b"=="))
    place = data.draw(st.integers(0, len(inner)))
    width = data.draw(st.integers(0, 6))
    inner[place : place + width] = data.draw(st.binary(max_size=6))
    assert ours(armour(bytes(inner)), text_of(case.key)) in (True, False)


@given(
    text=st.text(max_size=80) | st.binary(max_size=300).map(lambda data: f"ssh-rsa {base64.b64encode(data).decode()}")
)
@settings(max_examples=200, deadline=None)
def test_any_text_is_no_key(text: str) -> None:
    with pytest.raises(ShapeError):
        read_key(text)


@given(
    kind=st.sampled_from([b"ssh-ed25519", b"ssh-rsa", b"ecdsa-sha2-nistp256", b"ecdsa-sha2-nistp521", SK_P256]),
    fields=st.lists(st.binary(max_size=300) | st.just(b"nistp256") | st.just(b"nistp521"), max_size=3),
)
@settings(max_examples=300, deadline=None)
def test_any_fields_are_a_key_or_refused_with_words(kind: bytes, fields: list[bytes]) -> None:
    try:
        key = read_key(text_of(string(kind) + b"".join(map(string, fields))))
    except ShapeError:
        return
    assert read_key(text_of(key.identity)).identity == key.identity


# -- the list of signers -----------------------------------------------------------------------------------------------


def test_the_list_of_signers_is_the_golden_text_and_ssh_keygen_reads_it(tmp_path: Path) -> None:
    people = [("ada", KEYS["ed25519"][0]), ("bob-2", KEYS["nistp384"][0])]
    content = allowed_signers(people)
    assert content == (VECTORS / "sshsig" / "allowed_signers").read_bytes()
    assert allowed_signers([]) == b""
    if PROGRAM is None:
        pytest.skip("ssh-keygen is not installed")
    (tmp_path / "allowed_signers").write_bytes(content)
    for person, name, namespace, right in (
        ("ada", "ed25519", ATTEST, True),
        ("bob-2", "nistp384", ATTEST, True),
        ("bob-2", "ed25519", ATTEST, False),
        ("ada", "ed25519", CLOSE, False),
    ):
        (tmp_path / "signature").write_bytes(vector(name))
        command: list[str | Path] = [
            PROGRAM,
            "-Y",
            "verify",
            "-f",
            tmp_path / "allowed_signers",
            "-I",
            person,
            "-n",
            namespace,
        ]
        done = subprocess.run([*command, "-s", tmp_path / "signature"], input=MESSAGE, capture_output=True, check=False)
        assert (done.returncode == 0) is right
