"""The whole journey of a key, as an operator does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator_bench import ESN, Bench, Packages, contents, modify, pack

from hsm_emulator import byok, crypto, encoding
from hsm_emulator.acl import FORBIDDEN_IN_TRANSFER
from hsm_emulator.facts import Mode
from hsm_emulator.messages import (
    AclsModified,
    CollectOutput,
    Enquiry,
    InspectKey,
    KeyGenerated,
    KeyInspected,
    ModuleState,
    Output,
    Packaged,
    Since,
    VerifyPackages,
)

if TYPE_CHECKING:
    from hsm_emulator.messages import Happened


def state_of(bench: Bench) -> ModuleState:
    state = bench.device.look(Enquiry())
    assert isinstance(state, ModuleState)
    return state


def test_from_the_factory_to_the_package(bench: Bench, packages: Packages) -> None:
    fresh = state_of(bench)
    assert (fresh.esn, fresh.mode, fresh.hknso, fresh.usable) == (ESN, Mode.OPERATIONAL, "", False)
    bench.world()
    assert state_of(bench).usable
    made = bench.key()
    assert isinstance(made, KeyGenerated)
    source = contents(bench.folder)["kmdata/local/key_simple_contosokey"]
    copied = bench.copy(packages)
    assert isinstance(copied, AclsModified)
    assert [card.number for card in copied.cards] == [1, 2]
    assert contents(bench.folder)["kmdata/local/key_simple_contosokey"] == source
    packaged = bench.do(pack(packages), request="the-package")
    assert isinstance(packaged, Packaged)
    output = bench.device.look(CollectOutput(request_id="the-package"))
    assert isinstance(output, Output)
    assert crypto.sha256(output.content).hex() == packaged.sha256
    header, payload = byok.open_transfer(output.content, packages.kek_private)
    assert header.key_hash == made.key_hash == packaged.key_hash
    private = encoding.untext(encoding.decode(payload, "payload")["private_key"], "private key")
    assert crypto.rsa_verify(encoding.untext(made.public_key, "key"), crypto.rsa_sign(private, b"proof"), b"proof")


def test_what_the_copy_loses_keeps_and_gains(ready: Bench, packages: Packages) -> None:
    source = ready.device.look(InspectKey(app="simple", ident="contosokey"))
    ready.copy(packages)
    copy = ready.device.look(InspectKey(app="xferacld", ident="contosokey"))
    assert isinstance(source, KeyInspected)
    assert isinstance(copy, KeyInspected)
    assert (source.recoverable, copy.recoverable) == (True, False)
    assert not source.exportable
    assert not copy.exportable
    assert (copy.archive_to, copy.blob_to) == (packages.kek_hash, packages.hkm)
    assert set(copy.rights) == set(source.rights) - {right.value for right in FORBIDDEN_IN_TRANSFER}
    assert {"GetACL", "ReduceACL", "Sign"} <= set(copy.rights)
    assert "SIMULATED" in copy.acl
    assert "SIMULATED" in copy.dump
    assert "at most 1 use(s)" in copy.acl


def test_a_copy_for_another_region_after_deleting_the_first(ready: Bench, packages: Packages) -> None:
    from emulator_bench import make_packages

    from hsm_emulator.messages import DeleteKey

    other = make_packages("US-1")
    ready.copy(packages)
    ready.do(pack(packages))
    ready.do(DeleteKey(app="xferacld", ident="contosokey"))
    ready.copy(other)
    assert isinstance(ready.do(pack(other)), Packaged)


def test_the_same_request_gives_the_stored_reply_also_after_reopening(ready: Bench, packages: Packages) -> None:
    first = ready.talk(modify(packages), ready.operator(*ready.serials[:2]), request="once")
    size = state_of(ready).audit_size
    assert ready.do(modify(packages), request="once") == first
    ready.reopen()
    assert ready.do(modify(packages), request="once") == first
    assert state_of(ready).audit_size == size


def test_since_leaves_out_the_tries(ready: Bench, packages: Packages) -> None:
    head = state_of(ready).audit_head
    ready.talk(modify(packages), ready.operator(*ready.serials[:2]), request="once")
    happened: Happened = ready.device.look(Since(head=head))  # type: ignore[assignment]  # answered by Happened
    assert (happened.known, happened.request_ids) == (True, ("once",))
    assert state_of(ready).audit_size > 3
    unknown: Happened = ready.device.look(Since(head="ab" * 32))  # type: ignore[assignment]  # answered by Happened
    assert (unknown.known, unknown.request_ids) == (False, ())


def test_verify_packages(ready: Bench, packages: Packages) -> None:
    verified = ready.device.look(VerifyPackages(kek_package=packages.kek, world_package=packages.world))
    assert verified == byok_says(packages)


def byok_says(packages: Packages) -> object:
    from hsm_emulator.messages import PackagesVerified

    said = byok.verify_packages(packages.kek, packages.world)
    return PackagesVerified(
        root_hash=said.root_hash,
        kek_hash=packages.kek_hash,
        world_hash=packages.hkm,
        hknso=said.hknso,
        region="EU-1",
        suite=said.suite,
    )
