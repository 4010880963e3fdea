"""SIMULATED verifykeypackage: a second opinion on a region's KEK and Security World packages.

    python verifykeypackage.py -k BYOK-KEK-pkg-EU-1 -w BYOK-SecurityWorld-pkg-EU-1

It stands alone: the standard library only, none of the emulator's code, its own ECDSA (P-521, SHA-512; FIPS 186-5,
section 6.4.2). It prints the maker's root hash, which the reader compares with the published one, and last
`Result: SUCCESS` or `Result: FAILURE`. Exit codes: 0 success, 1 failure, 2 usage.
`hsm-emulator verifykeypackage` makes the same checks with the emulator's code.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any, Final

KEK_LINE: Final = b"SIMULATED HSM, BYOK KEK package, version 1\n"
WORLD_LINE: Final = b"SIMULATED HSM, BYOK Security World package, version 1\n"
SUITES: Final = ("DLf1024s160mRijndael", "DLf3072s256mRijndael")
FORBIDDEN: Final = frozenset(
    ("ExportAsPlain", "SetAppData", "ExpandACL", "UseAsBlobKey", "UseAsKM", "UseAsLoaderKey", "SignModuleCert")
)

# NIST P-521 (SEC 2, section 2.6.1): y² = x³ - 3x + B over the integers modulo P, base point of order N
P: Final = 2**521 - 1
N: Final = int(
    "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa"
    "51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
    16,
)
B: Final = int(
    "0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e1"
    "56193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00",
    16,
)
BASE: Final = (
    int(
        "00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dba"
        "a14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66",
        16,
    ),
    int(
        "011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c"
        "97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650",
        16,
    ),
)
SPKI: Final = bytes.fromhex("30819b301006072a8648ce3d020106052b810400230381860004")
"""DER SubjectPublicKeyInfo of P-521 up to the point's coordinates (RFC 5480)."""

# RFC 3279, section 2.3.1: everything before and after a modulus of 2048 bits
RSA_2048: Final = bytes.fromhex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100")
RSA_65537: Final = bytes.fromhex("0203010001")

Point = tuple[int, int, int]


class WrongError(Exception):
    """A check failed; the text says which."""


def main(arguments: list[str]) -> int:
    """Check two packages, print the result, and return the exit code."""
    parser = argparse.ArgumentParser(description="Verify a SIMULATED region's packages.")
    parser.add_argument("-k", required=True, metavar="KEK", help="the KEK package")
    parser.add_argument("-w", required=True, metavar="WORLD", help="the Security World package")
    names = parser.parse_args(arguments)
    try:
        for line in check(Path(names.k).read_bytes(), Path(names.w).read_bytes()):
            sys.stdout.write(line + "\n")
    except (WrongError, OSError) as wrong:
        sys.stdout.write(f"{wrong}\nResult: FAILURE\n")
        return 1
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        sys.stdout.write("a package cannot be read\nResult: FAILURE\n")
        return 1
    sys.stdout.write("Result: SUCCESS\n")
    return 0


def check(kek_package: bytes, world_package: bytes) -> list[str]:
    """Return lines to print after every check passed."""
    kek, kek_state = chain(kek_package, KEK_LINE, "KEK package")
    world, world_state = chain(world_package, WORLD_LINE, "Security World package")
    require(kek["root"] == world["root"], "the packages carry different roots")
    require(kek["region"] == world["region"], "the packages are for different regions")
    binding = certificate(world["world_binding"], "world-binding", world["world_binding"]["body"]["knso"])
    require(binding["hknso"] == named("knso", binding["knso"]), "hknso is not the hash of KNSO")
    require(binding["suite"] in SUITES, "the cipher suite is not accepted")
    key = certificate(kek["key_generation"], "key-generation", kek_state["kml"])
    for name in ("hknso", "hkm"):
        require(
            key[name] == kek_state[name] == binding[name] == world_state[name],
            f"the KEK does not belong to the Security World ({name})",
        )
    require(key["esn"] == kek_state["esn"], "the KEK was generated in another module")
    require(key["key_hash"] == named("key", key["public_key"]), "the KEK's hash is not that of its public key")
    public = base64.b64decode(key["public_key"])
    modulus = public.removeprefix(RSA_2048).removesuffix(RSA_65537)
    rsa = RSA_2048 + modulus + RSA_65537 == public and len(modulus) == 256 and modulus[0] >= 0x80  # noqa: PLR2004
    require(rsa, "the KEK is not an RSA key of 2048 bits")
    check_permissions(key["acl"], key["hkm"])
    return [
        "SIMULATED packages of the HSM emulator",
        f"Region: {kek['region']}",
        f"Maker's root: {named('root', kek['root'])}",
        f"KEK: {key['key_hash']}",
        f"Security World: hknso {key['hknso']}, hkm {key['hkm']}, {binding['suite']}",
    ]


def check_permissions(groups: list[Any], hkm: str) -> None:
    """Check that a KEK can neither be exported nor recovered, nor be stored elsewhere than in its world."""
    for group in groups:
        require(group["certifier"] == "", "the KEK is recoverable by the holder of a certificate")
        for action in group["actions"]:
            require(action["type"] in {"OpPermissions", "MakeBlob"}, "the KEK is recoverable from an archive")
            if action["type"] == "OpPermissions":
                require(not FORBIDDEN & set(action["rights"]), "the KEK has a forbidden right")
            else:
                require(action["under"] == hkm, "the KEK can be stored outside its world")


def chain(package: bytes, line: bytes, what: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a package and its module state after checking root, warrant, module state and seal."""
    require(package.startswith(line), f"the {what} does not begin with the line of its kind")
    data = json.loads(package[len(line) :])
    require(encoded(data) == package[len(line) :], f"the {what} is not in canonical form")
    warrant = certificate(data["warrant"], "warrant", data["root"])
    state = certificate(data["module_state"], "module-state", warrant["klf2"])
    require(warrant["esn"] == state["esn"], f"the {what} is certified by two modules")
    unsealed = {name: value for name, value in data.items() if name != "seal"}
    require(verify(state["kml"], data["seal"], line + encoded(unsealed)), f"the {what} was changed")
    return data, state


def certificate(data: dict[str, Any], kind: str, public: str) -> dict[str, Any]:
    """Return the body of a certificate of this kind that `public` (base64) signed."""
    body: dict[str, Any] = data["body"]
    signed = b"SIMULATED " + kind.encode() + b"\0" + encoded(body)
    require(data["kind"] == kind and verify(public, data["signature"], signed), f"the {kind} certificate is not valid")
    return body


def named(kind: str, public: str) -> str:
    """Return the hash by which a key is known."""
    content = b"SIMULATED nCore hash\0" + kind.encode() + b"\0" + base64.b64decode(public)
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def encoded(value: object) -> bytes:
    """Return the canonical bytes of a value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def require(fact: bool, words: str) -> None:  # noqa: FBT001 - it reads as an assertion
    """Fail with these words unless it is so."""
    if not fact:
        raise WrongError(words)


def verify(public: str, signature: str, message: bytes) -> bool:
    """Say whether an ECDSA P-521 / SHA-512 signature is valid; key and signature are base64 of DER."""
    der, pair = base64.b64decode(public), base64.b64decode(signature)
    if not der.startswith(SPKI) or len(der) != len(SPKI) + 132:
        return False
    x, y = int.from_bytes(der[-132:-66], "big"), int.from_bytes(der[-66:], "big")
    if x >= P or y >= P or (y * y - x * x * x + 3 * x - B) % P:
        return False
    r, s = integers(pair)
    if not (0 < r < N and 0 < s < N):
        return False
    inverse = pow(s, -1, N)
    digest = int.from_bytes(hashlib.sha512(message).digest(), "big")
    found = combine(digest * inverse % N, (*BASE, 1), r * inverse % N, (x, y, 1))
    return found[2] != 0 and (found[0] * pow(found[2], -2, P)) % P % N == r


def integers(der: bytes) -> tuple[int, int]:
    """Return the two integers of a DER signature, refusing every other spelling of them."""
    try:
        size, at = der[1], 2
        if size == 0x81:  # noqa: PLR2004 - X.690, section 8.1.3.5: one length byte follows
            size, at = der[2], 3
        values = []
        for _ in range(2):
            values.append(int.from_bytes(der[at + 2 : at + 2 + der[at + 1]], "big", signed=True))
            at += 2 + der[at + 1]
    except IndexError:
        raise WrongError("a signature is not DER") from None
    body = b"".join(b"\2" + bytes([len(item)]) + item for item in map(_minimal, values))
    head = b"\x30\x81" if len(body) > 127 else b"\x30"  # noqa: PLR2004 - X.690, section 8.1.3.4
    if head + bytes([len(body)]) + body != der or size != len(body):
        raise WrongError("a signature is not DER")
    return values[0], values[1]


def _minimal(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)


def combine(first: int, left: Point, second: int, right: Point) -> Point:
    """Return first * left + second * right, in Jacobian coordinates, sharing the doublings."""
    terms = {(True, False): left, (False, True): right, (True, True): add(left, right)}
    result: Point = (1, 1, 0)
    for place in reversed(range(N.bit_length())):
        result = double(result) if result[2] else result
        bits = (bool(first >> place & 1), bool(second >> place & 1))
        if bits in terms:
            result = add(result, terms[bits])
    return result


def add(left: Point, right: Point) -> Point:
    """Return the sum of two points (x/z², y/z³); z = 0 is the neutral one."""
    (x1, y1, z1), (x2, y2, z2) = left, right
    if not z1 or not z2:
        return right if not z1 else left
    zz1, zz2 = z1 * z1 % P, z2 * z2 % P
    u1, u2 = x1 * zz2 % P, x2 * zz1 % P
    s1, s2 = y1 * zz2 * z2 % P, y2 * zz1 * z1 % P
    if u1 == u2:
        return double(left) if s1 == s2 and y1 else (1, 1, 0)
    h, r = (u2 - u1) % P, (s2 - s1) % P
    hh = h * h % P
    hhh, v = hh * h % P, u1 * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - s1 * hhh) % P, h * z1 * z2 % P


def double(point: Point) -> Point:
    """Return twice a point that is not its own inverse."""
    x, y, z = point
    yy, zz = y * y % P, z * z % P
    slope, scale = 3 * (x - zz) * (x + zz) % P, 4 * x * yy % P
    x3 = (slope * slope - 2 * scale) % P
    return x3, (slope * (scale - x3) - 8 * yy * yy) % P, 2 * y * z % P


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
