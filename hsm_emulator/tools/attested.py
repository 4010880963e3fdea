"""What nfkmverify checks: each key's generation certificate, up to the emulated maker's root, from the files alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from hsm_emulator import attestation, chain, encoding, keyfile, worlds
from hsm_emulator.attestation import Kind
from hsm_emulator.errors import Refused, Status
from hsm_emulator.pages import MARK
from hsm_emulator.state import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hsm_emulator.attestation import Certificate
    from hsm_emulator.keyfile import KeyFile
    from hsm_emulator.messages import ModuleState
    from hsm_emulator.operator_messages import OperatorsListed
    from hsm_emulator.tools.installation import Installation


_ANEW: Final = (
    "; a module that was erased and brought into its world again has a new KML, and what it certified before"
    " cannot be verified any more; the key works all the same"
)
"""Why a key's certificate may be signed by another KML than the file of its module has, though nobody changed it."""


class Attested(Struct, frozen=True, kw_only=True):
    """A key whose certificates hold: what it is, and the module and world it was generated in. Sizes are in bits.

    `here` says whether it was generated in this module, or else in another one that is or was in the world.
    """

    app: str
    ident: str
    type: str
    size: int
    key_hash: str
    esn: str
    here: bool
    hknso: str
    hkm: str
    protect: str
    hkltu: str


def verify(at: Installation, app: str, ident: str) -> tuple[Attested, ...]:
    """Return the keys of an application and identifier ("" for all) after checking their certificates.

    1. The world's binding certificate.
    2. The file of the module that generated the key, this one or another: its chain (root, warrant, module state), and
       the signature of the world's KMC that the module was let into the world.
    3. Each key's generation certificate, signed by that module in its world.
    4. The certificate is of the key in the file, and of a key with that kind of protection.

    Raises:
        DamagedFile: a file does not parse.
        Refused: UnknownID without a world, or without the file of the module that generated a key; UnknownKey,
            VerifyFailed.
    """
    module = at.module()
    if not module.hknso:
        raise Refused(Status.UNKNOWN_ID, "there is no Security World")
    names = [key for key in module.keys if app in {"", key.app} and ident in {"", key.ident}]
    if app and not names:
        there = ", ".join(f"{key.app} {key.ident}" for key in module.keys) or "none"
        raise Refused(Status.UNKNOWN_KEY, f"there is no key {app} {ident}".rstrip() + f"; there are: {there}")
    _, world = parse(at.local("world"), "world", worlds.FIELDS)  # 1
    binding = chain.binding_of(world["binding"])
    found = []
    for name in names:
        key = keyfile.parse_file(at.local(f"key_{name.app}_{name.ident}"))
        state = _generated_in(at, module, key, binding)  # 2
        what = f"key {key.app} {key.ident}"
        body, public = chain.check_generation(key.certificate, state, what, _ANEW)  # 3
        if (public, body["key_hash"]) != (key.public, key.hash):  # 4
            raise chain.failed(f"the certificate of key {key.app} {key.ident} is of another key")
        if body["protection"] != key.protect:
            words = f"key {key.app} {key.ident} was generated with protect={body['protection']}, not {key.protect}"
            raise chain.failed(words)
        found.append(
            Attested(
                app=key.app,
                ident=key.ident,
                type=keyfile.KEY_TYPE,
                size=key.size,
                key_hash=key.hash,
                esn=chain.word(body, "esn"),
                here=body["esn"] == module.esn,
                hknso=chain.word(body, "hknso"),
                hkm=chain.word(body, "hkm"),
                protect=key.protect,
                hkltu=key.hkltu,
            )
        )
    return tuple(found)


def _generated_in(at: Installation, module: ModuleState, key: KeyFile, binding: Certificate) -> dict[str, Any]:
    """Return the certified state of the module that a key's certificate names.

    Raises:
        DamagedFile, Refused: as `verify`.
    """
    esn = chain.word(key.certificate.body, "esn")
    what = f"the module that is said to have generated key {key.app} {key.ident}"
    if f"module_{esn}" not in {file.name for file in module.files}:
        words = f"there is no file module_{esn} of {what}, so nothing shows that: put it back from a backup"
        raise Refused(Status.UNKNOWN_ID, words)
    _, file = parse(at.local(f"module_{esn}"), "module", worlds.MODULE_FIELDS)
    warrant = attestation.from_data(file["warrant"], Kind.WARRANT)
    module_state = attestation.from_data(file["module_state"], Kind.MODULE_STATE)
    state = chain.check_chain(attestation.root_public(), warrant, module_state, what)
    admitted = encoding.untext(file["kmc"], "KMC"), encoding.untext(file["kmc_signature"], "the KMC's signature")
    chain.check_joined(*admitted, state, chain.check_binding(binding, state, "the world"))
    return state


def page(keys: Sequence[Attested], there: OperatorsListed) -> str:
    """Return the page of `nfkmverify`. Attested are the lines that begin with ** and with Type."""
    lines = [MARK]
    for key in keys:
        lines += [
            f"** [Application key {key.app} {key.ident}]",
            f"   protected by {_protection(key, there)}",
            f"   Type {key.type} {key.size}",
            f"   key hash {key.key_hash}",
            f"   generated in module {key.esn}, world {key.hknso}, hkm {key.hkm}",
        ]
        if not key.here:
            lines.append(f"   that is another module than this one; its certificates are in module_{key.esn}")
    return "\n".join([*lines, f"{len(keys)} keys verified up to the emulated maker", ""])


def _protection(key: Attested, there: OperatorsListed) -> str:
    """Return what protects a key: with its quorum, whether it is persistent, and its time-out, where it has them."""
    for made in there.card_sets:
        if made.hkltu == key.hkltu:
            kept = "persistent" if made.persistent else "not persistent"
            limit = f"time-out {made.timeout} s" if made.timeout else "no time-out"
            return f"card set `{made.name}' {made.hkltu}, {made.threshold}/{made.cards}, {kept}, {limit}"
    for soft in there.softcards:
        if soft.hkltu == key.hkltu:
            return f"softcard `{soft.name}' {soft.hkltu}"
    return f"a {key.protect} {key.hkltu} that is not here" if key.hkltu else "the module"
