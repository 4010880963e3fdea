"""verify_packages: every check refuses, with its own words; the stand-alone script in the toolset agrees."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from region_source import DRAW, TOKENS, Lab

from hsm_emulator import attestation, byok, crypto, profiles
from hsm_emulator.acl import FORBIDDEN_IN_TRANSFER, Group, MakeArchiveBlob, MakeBlob, OpPermissions, Right
from hsm_emulator.errors import DamagedFile, Refused, Status
from hsm_emulator.region import catalogue, verifier

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPT_REFUSES = (verifier.WrongError, ValueError, KeyError, TypeError, AttributeError, IndexError)
OTHER = crypto.signing_key(DRAW)


def test_every_shipped_pair_verifies_to_the_emulated_root(targets: dict[str, byok.VerifiedPackages]) -> None:
    root = attestation.root_hash(attestation.root_public())
    assert {v.root_hash for v in targets.values()} == {root}
    assert {token: v.region for token, v in targets.items()} == {token: token for token in TOKENS}
    assert {v.suite for v in targets.values()} == {"DLf3072s256mRijndael"}


@pytest.mark.parametrize("suite", sorted(byok.SUITES))
def test_an_honest_lab_verifies_with_either_suite(lab: Lab, suite: str) -> None:
    kek, world = lab.kek_package(), lab.world_package(lab.binding(suite=suite))
    verified = byok.verify_packages(kek, world)
    assert (verified.region, verified.suite, verified.hkm) == ("LAB-1", suite, lab.hkm)
    assert verifier.check(kek, world)


@pytest.mark.parametrize("suite", sorted(profiles.SUITES - byok.SUITES))
def test_the_other_suites_a_world_can_have_are_refused_by_both_tools(lab: Lab, suite: str) -> None:
    kek, world = lab.kek_package(), lab.world_package(lab.binding(suite=suite))
    with pytest.raises(Refused, match=f"cipher suite {suite} is not one this toolset accepts"):
        byok.verify_packages(kek, world)
    with pytest.raises(verifier.WrongError, match="the cipher suite is not accepted"):
        verifier.check(kek, world)


def test_a_forged_root_verifies_and_shows_by_its_hash(lab: Lab) -> None:
    forger = replace(lab, root=OTHER)
    verified = byok.verify_packages(forger.kek_package(), forger.world_package())
    assert verified.root_hash != attestation.root_hash(attestation.root_public())


def test_packages_of_two_regions_never_verify(worlds: dict[str, catalogue.World]) -> None:
    for one, other in permutations(TOKENS, 2):
        with pytest.raises(Refused, match=f"the KEK package is for {one}, the Security World package for {other}"):
            byok.verify_packages(worlds[one].kek_package, worlds[other].world_package)


@dataclass(frozen=True)
class Lie:
    words: str
    kek: Callable[[Lab], bytes] = Lab.kek_package
    world: Callable[[Lab], bytes] = Lab.world_package


def _kek(**changes: Callable[[Lab], Any]) -> Callable[[Lab], bytes]:
    return lambda lab: lab.kek_package(**{name: make(lab) for name, make in changes.items()})


def _world(**changes: Callable[[Lab], Any]) -> Callable[[Lab], bytes]:
    return lambda lab: lab.world_package(**{name: make(lab) for name, make in changes.items()})


def _permissions(**changes: Any) -> Callable[[Lab], bytes]:
    return lambda lab: lab.kek_package(
        lab.generation(acl=lab.permissions(*changes.get("groups", ()), **_rights(changes)))
    )


def _rights(changes: dict[str, Any]) -> dict[str, Any]:
    return {"rights": changes["rights"]} if "rights" in changes else {}


def _elsewhere(lab: Lab) -> Lab:
    """Return the same lab in another world."""
    return replace(lab, knso=OTHER, hkm="9" * 40)


RSA_3072 = crypto.rsa_public_der(DRAW.rsa(3072))
LIES = {
    "another-root": Lie("carry different roots", kek=lambda lab: replace(lab, root=OTHER).kek_package()),
    "another-region": Lie("the KEK package is for EU-1", kek=_kek(region=lambda _: "EU-1")),
    "kek-warrant": Lie(
        "the warrant certificate is not signed by the root of the KEK package",
        kek=_kek(warrant=lambda lab: lab.warrant(OTHER)),
    ),
    "world-warrant": Lie(
        "the warrant certificate is not signed by the root of the Security World package",
        world=_world(warrant=lambda lab: lab.warrant(OTHER)),
    ),
    "kek-state": Lie(
        "the module-state certificate is not signed by the KLF2 of the KEK package",
        kek=_kek(module_state=lambda lab: lab.state(OTHER)),
    ),
    "world-state": Lie(
        "the module-state certificate is not signed by the KLF2 of the Security World package",
        world=_world(module_state=lambda lab: lab.state(OTHER)),
    ),
    "two-modules": Lie(
        "warrant and module state of the KEK package are of different modules",
        kek=_kek(module_state=lambda lab: lab.state(esn="SIMULATED-OTHER")),
    ),
    "kek-seal": Lie("the KEK package was changed after its module sealed it", kek=_kek(kml=lambda _: OTHER)),
    "world-seal": Lie(
        "the Security World package was changed after its module sealed it", world=_world(kml=lambda _: OTHER)
    ),
    "generation": Lie(
        "the key-generation certificate is not signed by the KML of the module that certifies the KEK",
        kek=_kek(generation=lambda lab: lab.generation(OTHER)),
    ),
    "generated-elsewhere": Lie(
        "the KEK was not generated in the module and world that certify it",
        kek=_kek(generation=lambda lab: lab.generation(hkm="9" * 40)),
    ),
    "generated-in-another-module": Lie(
        "the KEK was not generated in the module and world that certify it",
        kek=_kek(generation=lambda lab: lab.generation(esn="SIMULATED-OTHER")),
    ),
    "binding": Lie(
        "the world-binding certificate is not signed by the KNSO it names",
        world=_world(binding=lambda lab: lab.binding(OTHER)),
    ),
    "hknso": Lie("hknso is not the hash of its KNSO", world=_world(binding=lambda lab: lab.binding(hknso="9" * 40))),
    "world-of-another-module": Lie(
        "the module that certifies the Security World is in another world",
        world=_world(module_state=lambda lab: lab.state(hkm="9" * 40)),
    ),
    "suite": Lie(
        "cipher suite DLf3072s256mAEScSP800131Ar1 is not one this toolset accepts",
        world=_world(binding=lambda lab: lab.binding(suite="DLf3072s256mAEScSP800131Ar1")),
    ),
    "not-together": Lie(
        "the KEK does not belong to the Security World of the other package",
        world=lambda lab: _elsewhere(lab).world_package(),
    ),
    "key-hash": Lie(
        "the key hash of the KEK is not that of its public key",
        kek=_kek(generation=lambda lab: lab.generation(key_hash="9" * 40)),
    ),
    "kek-size": Lie(
        "the KEK is not an RSA key of 2048 bits", kek=_kek(generation=lambda lab: lab.generation(public=RSA_3072))
    ),
    "kek-kind": Lie(
        "the KEK is not an RSA key of 2048 bits",
        kek=_kek(generation=lambda lab: lab.generation(public=crypto.verify_key(OTHER))),
    ),
    "archive": Lie(
        "the KEK can be archived", kek=_permissions(groups=(Group(actions=(MakeArchiveBlob(under="8" * 40),)),))
    ),
    "certifier": Lie(
        "the KEK has permissions for the holder of a certificate",
        kek=_permissions(
            groups=(Group(actions=(OpPermissions(rights=frozenset({Right.DECRYPT})),), certifier="8" * 40),)
        ),
    ),
    "stored-elsewhere": Lie(
        "the KEK can be stored under something other",
        kek=_permissions(groups=(Group(actions=(MakeBlob(under="8" * 40),)),)),
    ),
    **{
        f"right-{right.value}": Lie(
            "grants ExportAsPlain" if right is Right.EXPORT_AS_PLAIN else f"a forbidden right: {right.value}",
            kek=_permissions(rights=(Right.DECRYPT, right)),
        )
        for right in sorted(FORBIDDEN_IN_TRANSFER)
    },
}


@pytest.mark.parametrize("name", LIES)
def test_each_lie_is_refused_in_its_own_words(lab: Lab, name: str) -> None:
    lie = LIES[name]
    assert byok.verify_packages(lab.kek_package(), lab.world_package())
    kek, world = lie.kek(lab), lie.world(lab)
    with pytest.raises(Refused, match=lie.words) as refusal:
        byok.verify_packages(kek, world)
    assert refusal.value.status in {Status.VERIFY_FAILED, Status.HOST_DATA_INVALID}
    with pytest.raises(verifier.WrongError):
        verifier.check(kek, world)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda _: b"", "does not begin with the line"),
        (lambda p: p.replace(b"version 1", b"version 2"), "does not begin with the line"),
        (lambda p: p[:-1], "cannot be read"),
        (lambda p: p + b"\n", "not in canonical form"),
        (lambda p: p.replace(b'"region"', b'"regions"'), "lacks region"),
        (lambda p: p[:-1] + b',"zeal":1}', "unknown fields: zeal"),
        (lambda p: p.replace(b'"LAB-1"', b"1"), "region is not text"),
        (lambda p: p.replace(b'"root":"M', b'"root":"!'), "root is not base64"),
        (lambda p: p + b" " * (1 << 20), "longer than"),
    ],
)
def test_what_does_not_parse_is_damaged(lab: Lab, spoil: Callable[[bytes], bytes], words: str) -> None:
    kek, world = lab.kek_package(), lab.world_package()
    with pytest.raises(DamagedFile, match=words):
        byok.verify_packages(spoil(kek), world)
    with pytest.raises(DamagedFile, match=words):
        byok.verify_packages(kek, spoil(world))
    with pytest.raises(SCRIPT_REFUSES):
        verifier.check(spoil(kek), world)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_bit_of_a_package_can_be_flipped(worlds: dict[str, catalogue.World], data: st.DataObject) -> None:
    kek, world = worlds["EU-1"].kek_package, worlds["EU-1"].world_package
    which = data.draw(st.booleans())
    spoilt = bytearray(kek if which else world)
    spoilt[data.draw(st.integers(0, len(spoilt) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Refused):
        byok.verify_packages(bytes(spoilt) if which else kek, world if which else bytes(spoilt))


@settings(max_examples=100, deadline=None)
@given(noise=st.binary(max_size=300))
def test_noise_is_damaged_and_nothing_else(noise: bytes) -> None:
    for line in (b"", byok.KEK_LINE, byok.WORLD_LINE):
        with pytest.raises(DamagedFile):
            byok.verify_packages(line + noise, line + noise)


@pytest.mark.parametrize(
    "key", ["30819b", "302a300506032b6570032100" + "11" * 32, "3013300506032b6571030a0000" + "00" * 8]
)
def test_a_strange_root_key_is_refused_like_any_other(lab: Lab, key: str) -> None:
    root = bytes.fromhex(key)
    with pytest.raises(Refused, match="not signed by the root"):
        byok.verify_packages(lab.kek_package(root=root), lab.world_package(root=root))


def test_a_key_on_an_unsupported_curve_is_refused_not_a_crash(lab: Lab) -> None:
    # id-ecPublicKey with secp112r1 (1.3.132.0.6), which the library does not know
    root = bytes.fromhex("3032301006072a8648ce3d020106052b81040006031e0004" + "22" * 28)
    with pytest.raises(Refused, match="not signed by the root"):
        byok.verify_packages(lab.kek_package(root=root), lab.world_package(root=root))
    with pytest.raises(Refused, match="not an RSA key"):
        byok.verify_packages(lab.kek_package(lab.generation(public=root)), lab.world_package())


@pytest.mark.parametrize("rights", [[[]], [{}], [None], "Sign", [1]])
def test_rights_of_a_strange_kind_are_damaged(lab: Lab, rights: Any) -> None:
    permissions = lab.permissions()
    permissions[0]["actions"][0]["rights"] = rights
    with pytest.raises(DamagedFile, match="unknown rights"):
        byok.verify_packages(lab.kek_package(lab.generation(acl=permissions)), lab.world_package())
