"""Attestation bundles: every link from the maker's root to the key refuses, with its own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace
from region_source import DRAW, Lab, public_text

from hsm_emulator import attestation, bundle, chain, crypto
from hsm_emulator.acl import Group, MakeArchiveBlob, MakeBlob, OpPermissions, Right
from hsm_emulator.errors import DamagedFile, Refused, Status

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = attestation.root_hash(attestation.root_public())
OTHER = crypto.signing_key(DRAW)
KMC = crypto.signing_key(DRAW)
HKMC = chain.kmc_hash(crypto.verify_key(KMC))
HKRE = "d" * 40


def bundle_of(lab: Lab, **changes: Any) -> bundle.Bundle:
    """Return an honest bundle of the lab's key, with changes."""
    hknso = lab.place["hknso"]
    groups = (
        Group(actions=(MakeArchiveBlob(under=HKRE),)),
        Group(actions=(OpPermissions(rights=frozenset({Right.EXPAND_ACL})),), certifier=hknso),
    )
    rights = (Right.SIGN, Right.DECRYPT, Right.GET_ACL)
    honest = bundle.Bundle(
        root=crypto.verify_key(lab.root),
        warrant=lab.warrant(),
        module_state=lab.state(),
        kmc=crypto.verify_key(KMC),
        kmc_signature=chain.join(KMC, lab.esn, public_text(lab.kml)),
        world_binding=lab.binding(hkmc=HKMC, hkre=HKRE),
        key_generation=lab.generation(acl=lab.permissions(*groups, rights=rights)),
    )
    return replace(honest, **changes)


def test_an_honest_bundle_says_what_the_key_is(lab: Lab) -> None:
    found = bundle.verify(bundle.parse(bundle.render(bundle_of(lab))), ROOT)
    assert (found.root_hash, found.esn, found.hkm) == (ROOT, lab.esn, lab.hkm)
    assert (found.protection, found.recovery, found.permissions) == ("module", True, ("decrypt", "sign"))
    assert found.key_hash == chain.public_key_hash(found.public)


def _acl(*groups: Group, **options: Any) -> Callable[[Lab], dict[str, Any]]:
    return lambda lab: {"key_generation": lab.generation(acl=lab.permissions(*groups, **options))}


LIES: dict[str, tuple[Callable[[Lab], dict[str, Any]], str]] = {
    "root": (lambda _: {"root": crypto.verify_key(OTHER)}, "the bundle's root is "),
    "warrant": (
        lambda lab: {"warrant": lab.warrant(OTHER)},
        "the warrant certificate is not signed by the root of the bundle",
    ),
    "klf2": (
        lambda lab: {"warrant": lab.warrant(klf2=public_text(OTHER))},
        "the module-state certificate is not signed by the KLF2 of the bundle",
    ),
    "state": (
        lambda lab: {"module_state": lab.state(OTHER)},
        "the module-state certificate is not signed by the KLF2 of the bundle",
    ),
    "two modules": (
        lambda lab: {"warrant": lab.warrant(esn="SIMULATED-TWO")},
        "warrant and module state of the bundle are of different modules",
    ),
    "binding": (
        lambda lab: {"world_binding": lab.binding(OTHER)},
        "the world-binding certificate is not signed by the KNSO it names",
    ),
    "hknso": (
        lambda lab: {"world_binding": lab.binding(hknso="0" * 40, hkmc=HKMC)},
        "the Security World's hknso is not the hash of its KNSO",
    ),
    "another world": (
        lambda lab: {"world_binding": lab.binding(hkm="0" * 40, hkmc=HKMC)},
        "the module that certifies the Security World is in another world",
    ),
    "another KNSO": (
        lambda lab: {"world_binding": replace(lab, knso=OTHER).binding(hkmc=HKMC)},
        "the module that certifies the Security World is in another world",
    ),
    "kmc": (lambda _: {"kmc": crypto.verify_key(OTHER)}, "the KMC is not the one that the world binds"),
    "admission": (
        lambda lab: {"kmc_signature": chain.join(OTHER, lab.esn, public_text(lab.kml))},
        "the world's KMC did not admit the module",
    ),
    "admission of another": (
        lambda lab: {"kmc_signature": chain.join(KMC, "SIMULATED-TWO", public_text(lab.kml))},
        "the world's KMC did not admit the module",
    ),
    "generation": (
        lambda lab: {"key_generation": lab.generation(OTHER)},
        "the key-generation certificate is not signed by the KML of the module that certifies the key",
    ),
    "made elsewhere": (
        lambda lab: {"key_generation": lab.generation(hknso="0" * 40)},
        "the key was not generated in the module and world that certify it",
    ),
    "key hash": (
        lambda lab: {"key_generation": lab.generation(key_hash="0" * 40)},
        "the key hash of the key is not that of its public key",
    ),
    "not RSA": (
        lambda lab: {"key_generation": lab.generation(public=crypto.verify_key(OTHER))},
        "the key is not an RSA key",
    ),
    "blob": (_acl(Group(actions=(MakeBlob(under="0" * 40),))), "stored under something other than its world's"),
    "archive": (_acl(Group(actions=(MakeArchiveBlob(under="0" * 40),))), "archived under something other"),
    "certifier": (
        _acl(Group(actions=(MakeArchiveBlob(under=HKRE),), certifier="0" * 40)),
        "permissions for the holder of a certificate that is not the world's KNSO",
    ),
    "exportable": (_acl(rights=(Right.EXPORT_AS_PLAIN,)), "grants ExportAsPlain"),
}


@pytest.mark.parametrize("name", sorted(LIES))
def test_each_link_refuses_with_its_own_words(lab: Lab, name: str) -> None:
    bundle.verify(bundle_of(lab), ROOT)
    lie, words = LIES[name]
    with pytest.raises(Refused) as caught:
        bundle.verify(bundle_of(lab, **lie(lab)), ROOT)
    assert words in caught.value.words
    wanted = Status.HOST_DATA_INVALID if name == "exportable" else Status.VERIFY_FAILED
    assert caught.value.status is wanted


def test_a_forgers_whole_chain_shows_by_its_root(lab: Lab) -> None:
    forged = bundle_of(replace(lab, root=OTHER))
    own = attestation.root_hash(crypto.verify_key(OTHER))
    assert bundle.verify(forged, own).esn == lab.esn
    with pytest.raises(Refused) as caught:
        bundle.verify(forged, ROOT)
    assert caught.value.words == f"the bundle's root is {own}, not {ROOT}"


@pytest.mark.parametrize(("here", "there"), [("warrant", "module_state"), ("key_generation", "world_binding")])
def test_a_certificate_in_the_place_of_another(lab: Lab, here: str, there: str) -> None:
    honest = bundle_of(lab)
    with pytest.raises(Refused):
        bundle.parse(bundle.render(replace(honest, **{here: getattr(honest, there)})))


@pytest.mark.parametrize("change", [b"", b"x", b"SIMULATED HSM, key attestation bundle, version 2\n"])
def test_other_bytes(lab: Lab, change: bytes) -> None:
    good = bundle.render(bundle_of(lab))
    with pytest.raises(DamagedFile):
        bundle.parse(change + good[len(bundle.LINE) :])
    with pytest.raises(DamagedFile):
        bundle.parse(good + b" ")
