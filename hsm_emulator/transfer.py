"""Key transfer: the copy with reduced permissions (a quorum is needed), and its package (no cards).

What the copy loses, keeps and gains is `reduce`. The quorum is not only asked for: KNSO, which only K cards open, signs
the copy's permissions, and packaging checks that signature.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from hsm_emulator import acl, attestation, byok, crypto, encoding, keyfile, quorum, reduction, worlds
from hsm_emulator.acl import Acl, Group, MakeArchiveBlob, MakeBlob, OpPermissions, Right
from hsm_emulator.attestation import Kind
from hsm_emulator.errors import DamagedFile, Refused, Status
from hsm_emulator.facts import Mode
from hsm_emulator.keys import COPY, SIMPLE
from hsm_emulator.limits import LOADED, UseLimit
from hsm_emulator.messages import AclsModified, ModifyAcls, Package, Packaged, PackagesVerified
from hsm_emulator.state import LOCAL, OUTBOX, State, demand, parse, recall, remember

if TYPE_CHECKING:
    from hsm_emulator.byok import VerifiedPackages
    from hsm_emulator.crypto import Draw
    from hsm_emulator.keyfile import Loaded
    from hsm_emulator.messages import VerifyPackages
    from hsm_emulator.quorum import Call
    from hsm_emulator.state import Memory
    from hsm_emulator.worlds import World

_GUID: Final = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_NAME: Final = re.compile(r"[0-9A-Za-z-]{1,127}")


def modify_acls(state: State, command: ModifyAcls, call: Call) -> tuple[State, AclsModified]:
    """Make the reduced copy of a key for one region. The source file is not touched.

    1. Mode, world, cipher suite, names; both packages through every check.
    2. A quorum of the card set opens KNSO.
    3. The key's own permissions must let KNSO's holder expand them and let the module store the copy.
    4. The copy, with KNSO's signature over its permissions.

    Raises:
        Refused: many; nothing was changed but PIN tries.
    """
    memory = recall(state)
    demand(memory, Mode.OPERATIONAL, "KeyTransferRemote -ModifyAcls")  # 1
    world = worlds.load(state, memory)
    _check_suite(world)
    keyfile.check_ident(command.ident)
    if command.app != SIMPLE:
        raise Refused(Status.INVALID_PARAMETER, f"keys of application {SIMPLE} are transferred, not {command.app!r}")
    keyfile.demand_module(keyfile.find(state, SIMPLE, command.ident))
    keyfile.demand_own(keyfile.open_key(state, memory, SIMPLE, command.ident), memory)
    if keyfile.path_of(COPY, command.ident) in state.files:
        raise Refused(Status.ALREADY_EXISTS, f"there is a copy {COPY} {command.ident} already")
    target = byok.verify_packages(command.kek_package, command.world_package)
    wanted = world.card_set(memory, "LTNSO")
    state, tokens, cards = quorum.read_quorum(state, wanted, world.checks, call)  # 2
    knso = world.open_knso(tokens)
    world.demand_use("KNSO", OpPermissions(rights=frozenset({Right.USE_AS_CERTIFICATE})), LOADED)
    source = keyfile.open_key(state, memory, SIMPLE, command.ident)
    memory = replace(memory, generated=memory.generated + 1)  # 3
    reduced = reduce(source.acl, target, f"key_{COPY}_{command.ident}/{memory.generated}")
    officer = frozenset({memory.hknso})
    reduction.set_acl(source.acl, reduced, presented=officer, esn=state.esn, used=memory.used)
    store = MakeBlob(under=memory.hkm)
    acl.authorise(source.acl, store, presented=officer, esn=state.esn, used=memory.used)
    authority = crypto.sign(knso, _authority(source.file.hash, command.ident, reduced))  # 4
    file = replace(source.file, app=COPY, recovery=(), authority=authority)
    file = keyfile.seal_working(file, keyfile.payload_of(source.private, reduced), memory, call.draw)
    state = remember(state.put({file.path: keyfile.render_file(file)}), memory, call.draw)
    return state, AclsModified(key_hash=file.hash, cards=cards, file=state.fact(file.path))


def verify_packages(state: State, command: VerifyPackages) -> PackagesVerified:
    """Check a region's packages. The module does it, in its world, as the toolset wants it.

    Raises:
        Refused: InvalidState, UnknownID without a world, VerifyFailed or HostDataInvalid.
    """
    memory = recall(state)
    demand(memory, Mode.OPERATIONAL, "verifykeypackage")
    worlds.load(state, memory)
    verified = byok.verify_packages(command.kek_package, command.world_package)
    return PackagesVerified(
        root_hash=verified.root_hash,
        kek_hash=verified.kek_hash,
        world_hash=verified.hkm,
        hknso=verified.hknso,
        region=verified.region,
        suite=verified.suite,
    )


def reduce(permissions: Acl, target: VerifiedPackages, counter: str) -> Acl:
    """Return the permissions of a copy for one region.

    Kept is what the plain groups (no certifier, module or limit) allow for use of the key, without the rights that a
    vault forbids. Every blob and archive right and every group for a certificate's holder is dropped. New are one
    archive right to the region's KEK, for one use under `counter`, and one blob right to the region's world.
    """
    plain = (group for group in permissions.groups if not group.certifier and not group.module and group.limit is None)
    kept = tuple(
        OpPermissions(rights=rest)
        for group in plain
        for action in group.actions
        if isinstance(action, OpPermissions) and (rest := action.rights - acl.FORBIDDEN_IN_TRANSFER)
    )
    return Acl(
        groups=(
            *(Group(actions=(action,)) for action in kept),
            Group(actions=(MakeArchiveBlob(under=target.kek_hash),), limit=UseLimit(counter=counter, uses=1)),
            Group(actions=(MakeBlob(under=target.hkm),)),
        )
    )


def package(state: State, command: Package, request_id: str, draw: Draw) -> tuple[State, Packaged]:
    """Encrypt a reduced copy to its region's KEK: once. The package goes into the outbox.

    1. Mode, world, cipher suite, names; both packages through every check.
    2. The copy, with KNSO's signature; its permissions name these packages and have the use left.
    3. The package, read again, and the use counted, for one commit.

    Raises:
        Refused: many; nothing was changed.
    """
    memory = recall(state)
    demand(memory, Mode.OPERATIONAL, "KeyTransferRemote -Package")  # 1
    world = worlds.load(state, memory)
    _check_suite(world)
    keyfile.check_ident(command.ident)
    if not _GUID.fullmatch(command.subscription_id):
        raise Refused(Status.INVALID_PARAMETER, f"{command.subscription_id!r} is no subscription id: it is a GUID")
    if not _NAME.fullmatch(command.friendly_name):
        words = f"{command.friendly_name!r} is no key name: 1 to 127 letters, digits and -"
        raise Refused(Status.INVALID_PARAMETER, words)
    target = byok.verify_packages(command.kek_package, command.world_package)
    copy = keyfile.open_key(state, memory, COPY, command.ident)  # 2
    keyfile.demand_own(copy, memory)
    if not crypto.verify(world.keys["KNSO"].public, copy.file.authority, _authority_of(copy)):
        raise Refused(Status.VERIFY_FAILED, f"no quorum allowed the copy {COPY} {command.ident}")
    if target.hkm not in copy.acl.blobs_under():
        raise Refused(Status.ACCESS_DENIED, f"the copy is not for the world of region {target.region}")
    archive = MakeArchiveBlob(under=target.kek_hash)
    grant = acl.authorise(copy.acl, archive, presented=frozenset(), esn=state.esn, used=memory.used)
    header = _header(state, command, copy, target)  # 3
    content = byok.seal_transfer(header, keyfile.payload_of(copy.private, copy.acl), target.kek_public, draw)
    if byok.read_transfer(content)[0] != header:
        raise Refused(Status.VERIFY_FAILED, "the package does not read back")
    state = remember(state.put({OUTBOX + request_id: content}), _counted(memory, grant), draw)
    digest = crypto.sha256(content).hex()
    return state, Packaged(key_hash=copy.file.hash, region=target.region, size=len(content), sha256=digest)


def _header(state: State, command: Package, copy: Loaded, target: VerifiedPackages) -> byok.TransferHeader:
    module = _module(state, copy.file.hknso)
    return byok.TransferHeader(
        region=target.region,
        kek_hash=target.kek_hash,
        hknso=target.hknso,
        hkm=target.hkm,
        key_hash=copy.file.hash,
        public_key=encoding.text(copy.file.public),
        subscription_id=command.subscription_id,
        friendly_name=command.friendly_name,
        warrant=module["warrant"],
        module_state=module["module_state"],
        key_generation=attestation.to_data(copy.file.certificate),
    )


def _module(state: State, hknso: str) -> dict[str, Any]:
    """Return the module file's fields after checking its certificates."""
    world, module = parse(state.files.get(f"{LOCAL}module_{state.esn}", b""), "module", worlds.MODULE_FIELDS)
    if world != hknso:
        raise DamagedFile("the module file is of another world")
    warrant = attestation.from_data(module["warrant"], Kind.WARRANT)
    module_state = attestation.from_data(module["module_state"], Kind.MODULE_STATE)
    body = attestation.check(warrant, Kind.WARRANT, attestation.root_public(), "the emulated maker")
    attestation.check(module_state, Kind.MODULE_STATE, encoding.untext(body["klf2"], "KLF2"), "this module")
    return module


def _counted(memory: Memory, grant: acl.Grant) -> Memory:
    if not isinstance(grant.limit, UseLimit):
        return memory
    name = grant.limit.counter
    return replace(memory, counters={**memory.counters, name: memory.used(name) + 1})


def _check_suite(world: World) -> None:
    if world.suite not in byok.SUITES:
        known = " and ".join(sorted(byok.SUITES))
        words = f"the world's cipher suite {world.suite} cannot be transferred from; {known} can"
        raise Refused(Status.INVALID_PARAMETER, words)


def _authority_of(copy: Loaded) -> bytes:
    return _authority(copy.file.hash, copy.file.ident, copy.acl)


def _authority(key_hash: str, ident: str, permissions: Acl) -> bytes:
    return b"SIMULATED reduced permissions 1\0" + encoding.encode([key_hash, COPY, ident, acl.to_data(permissions)])
