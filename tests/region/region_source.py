"""What the tests of the receiving side need from the other side: a maker's lab that can lie, and a source HSM."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from hsm_emulator import acl, attestation, byok, chain, crypto, encoding
from hsm_emulator.acl import Acl, Group, MakeArchiveBlob, MakeBlob, OpPermissions, Right
from hsm_emulator.attestation import Kind
from hsm_emulator.limits import UseLimit

SUBSCRIPTION = "11111111-2222-4333-8444-555555555555"
OTHER_SUBSCRIPTION = "11111111-2222-4333-8444-555555555556"
GENUINE_ROOT = "59178a47de508c3f291277ee184f46c4f1d9c639"
DRAW = crypto.SystemDraw()
TOKENS = (
    *("NA-1", "EU-1", "AP-1", "LATAM-1", "JPN-1", "KOREA-1", "AUS-1", "USGOV-1", "USDOD-1", "CANADA-1"),
    *("GERMANY-1", "INDIA-1", "UK-1", "SA-1", "UAE-1", "FRANCE-1", "SUI-1"),
)
ROOT = Path(__file__).resolve().parents[2]


def make_regions() -> Any:
    """Return the script as a module."""
    spec = importlib.util.spec_from_file_location("make_regions", ROOT / "scripts" / "make_regions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def public_text(private: bytes) -> str:
    return encoding.text(crypto.verify_key(private))


class Lab(Struct, frozen=True, kw_only=True):
    """Keys of one module and world, a KEK, and the power to certify anything with them."""

    kek: bytes
    esn: str = "SIMULATED-LAB"
    region: str = "LAB-1"
    root: bytes = attestation.ROOT_PRIVATE
    klf2: bytes = field(default_factory=lambda: crypto.signing_key(DRAW))
    kml: bytes = field(default_factory=lambda: crypto.signing_key(DRAW))
    knso: bytes = field(default_factory=lambda: crypto.signing_key(DRAW))
    hkm: str = field(default_factory=lambda: DRAW.take(20).hex())

    @property
    def place(self) -> dict[str, str]:
        return {"hknso": chain.knso_hash(crypto.verify_key(self.knso)), "hkm": self.hkm}

    def permissions(self, *groups: Group, rights: tuple[Right, ...] = (Right.DECRYPT, Right.GET_ACL)) -> list[Any]:
        own = (Group(actions=(OpPermissions(rights=frozenset(rights)),)), Group(actions=(MakeBlob(under=self.hkm),)))
        return acl.to_data(Acl(groups=(*own, *groups)))

    def warrant(self, signer: bytes | None = None, **changes: Any) -> attestation.Certificate:
        body = {"esn": self.esn, "klf2": public_text(self.klf2), **changes}
        return attestation.issue(Kind.WARRANT, body, signer or self.root)

    def state(self, signer: bytes | None = None, **changes: Any) -> attestation.Certificate:
        body = {"esn": self.esn, "kml": public_text(self.kml), **self.place, **changes}
        return attestation.issue(Kind.MODULE_STATE, body, signer or self.klf2)

    def generation(self, signer: bytes | None = None, **changes: Any) -> attestation.Certificate:
        public = changes.pop("public", None) or crypto.rsa_public_der(crypto.rsa_load(self.kek))
        body = {
            "key_type": "RSA",
            "public_key": encoding.text(public),
            "key_hash": chain.public_key_hash(public),
            "acl": self.permissions(),
            "protection": "module",
            "esn": self.esn,
            "counter": 1,
            **self.place,
            **changes,
        }
        return attestation.issue(Kind.KEY_GENERATION, body, signer or self.kml)

    def binding(self, signer: bytes | None = None, **changes: Any) -> attestation.Certificate:
        others = {"hkmc": "c" * 40, "hkre": "d" * 40, "hkra": "e" * 40}
        body = {"suite": "DLf3072s256mRijndael", "knso": public_text(self.knso), **self.place, **others, **changes}
        return attestation.issue(Kind.WORLD_BINDING, body, signer or self.knso)

    def certifier(self, **changes: Any) -> byok.Certifier:
        honest = byok.Certifier(
            region=self.region,
            root=crypto.verify_key(self.root),
            warrant=self.warrant(),
            module_state=self.state(),
            kml=self.kml,
        )
        return replace(honest, **changes)

    def kek_package(self, generation: attestation.Certificate | None = None, **changes: Any) -> bytes:
        return byok.build_kek_package(self.certifier(**changes), generation or self.generation())

    def world_package(self, binding: attestation.Certificate | None = None, **changes: Any) -> bytes:
        return byok.build_world_package(self.certifier(**changes), binding or self.binding())


def reduced(target: byok.VerifiedPackages, source_hkm: str) -> Acl:
    """Return the permissions of an honest reduced copy."""
    use = frozenset({Right.SIGN, Right.DECRYPT, Right.GET_ACL, Right.REDUCE_ACL})
    return Acl(
        groups=(
            Group(actions=(OpPermissions(rights=use),)),
            Group(actions=(MakeBlob(under=source_hkm),)),
            Group(actions=(MakeBlob(under=target.hkm),)),
            Group(
                actions=(MakeArchiveBlob(under=target.kek_hash),),
                limit=UseLimit(counter="transfer", uses=1),
            ),
        )
    )


class Export(Struct, frozen=True, kw_only=True):
    """Everything a source HSM puts into a package, to be changed before sealing."""

    header: byok.TransferHeader
    private: bytes
    permissions: list[Any]
    kek_public: bytes

    def seal(self, header: dict[str, Any] | None = None, **changes: Any) -> bytes:
        payload = {"private_key": encoding.text(self.private), "acl": self.permissions, "appdata": "", **changes}
        return byok.seal_transfer(
            replace(self.header, **(header or {})), encoding.encode(payload), self.kek_public, DRAW
        )


def export(source: Lab, target: byok.VerifiedPackages, **generation: Any) -> Export:
    """Return the export of the source's key (the lab's RSA key) to a target."""
    certificate = source.generation(**generation)
    header = byok.TransferHeader(
        region=target.region,
        kek_hash=target.kek_hash,
        hknso=target.hknso,
        hkm=target.hkm,
        key_hash=certificate.body["key_hash"],
        public_key=certificate.body["public_key"],
        subscription_id=SUBSCRIPTION,
        friendly_name="ContosoFirstHSMkey",
        warrant=attestation.to_data(source.warrant()),
        module_state=attestation.to_data(source.state()),
        key_generation=attestation.to_data(certificate),
    )
    return Export(
        header=header,
        private=source.kek,
        permissions=acl.to_data(reduced(target, source.hkm)),
        kek_public=target.kek_public,
    )
