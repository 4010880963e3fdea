"""Softcards: a token whose only share is in a file, sealed under KM and a PIN.

`softcard_<hkltu>` holds what a card would have written on it. It has no chip: whoever has the file and KM needs only
the PIN. The module counts the failed tries, as a card's chip counts those of a card.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from hsm_emulator import cards, crypto, encoding, pin_blob
from hsm_emulator.cards import Membership
from hsm_emulator.dialogue import SOFTCARD
from hsm_emulator.errors import DamagedFile
from hsm_emulator.facts import SoftcardFact
from hsm_emulator.quorum import LTU, CardSet
from hsm_emulator.sharing import Quorum
from hsm_emulator.state import LOCAL, number, parse, word
from hsm_emulator.vouching import SEAL, demand_vouched, render_vouched

if TYPE_CHECKING:
    from hsm_emulator.crypto import Draw
    from hsm_emulator.pin_blob import PinBlob
    from hsm_emulator.state import Memory, State

PREFIX: Final = f"{LOCAL}softcard_"
KIND: Final = "softcard"
FIELDS: Final = frozenset({"hkltu", "name", "check", "salt", "scrypt_n", "share", "recovery", SEAL})

ONE: Final = Quorum(k=1, n=1)

_NO_CHIP: Final = crypto.sha256(b"SIMULATED softcard, it has no chip")
"""Stands where a card's chip secret goes into the key of its share."""


class Softcard(Struct, frozen=True, kw_only=True):
    """A softcard. `membership` is what a card has written on it, the share too; `check` tells LTU from others.

    `recovery` is its share under KP, None where its PIN cannot be recovered.
    """

    hknso: str
    hkltu: str
    name: str
    check: str
    membership: Membership
    recovery: PinBlob | None

    @property
    def words(self) -> str:
        """What it is, in the operator's words."""
        return f"softcard {self.name}"

    @property
    def path(self) -> str:
        """Where its file belongs."""
        return PREFIX + self.hkltu

    @property
    def serial(self) -> str:
        """Under which name its failed tries are counted; no card's serial looks like it."""
        return SOFTCARD + self.hkltu

    def card_set(self, memory: Memory) -> CardSet:
        """Return it as a set of one card."""
        keys = {LTU: memory.module_key}
        return CardSet(world=self.hknso, set_id=self.hkltu, name=self.name, quorum=ONE, module_keys=keys)

    def fact(self) -> SoftcardFact:
        """Return what is said of the softcard."""
        return SoftcardFact(hkltu=self.hkltu, name=self.name, recoverable=self.recovery is not None)


def empty(hknso: str, hkltu: str, name: str, *, check: str, salt: bytes, scrypt_n: int) -> Softcard:
    """Return a softcard that holds no share yet."""
    membership = Membership(
        world=hknso,
        set_id=hkltu,
        set_name=name,
        index=1,
        quorum=ONE,
        thresholds={},
        salt=salt,
        scrypt_n=scrypt_n,
        shares={},
    )
    return Softcard(hknso=hknso, hkltu=hkltu, name=name, check=check, membership=membership, recovery=None)


def count_tries(state: State, made: Softcard) -> State:
    """Return the state in which the softcard's failed tries are counted; they are kept where they are already."""
    return cards.count_tries(state, made.serial, _NO_CHIP)


def forget_tries(state: State, made: Softcard) -> State:
    """Return the state without the count of the softcard's failed tries."""
    return state.without(frozenset({cards.chip_path(made.serial)}))


def render_softcard(made: Softcard, memory: Memory, draw: Draw) -> bytes:
    """Return the bytes of a softcard's file."""
    content = {
        "hkltu": made.hkltu,
        "name": made.name,
        "check": made.check,
        "salt": encoding.text(made.membership.salt),
        "scrypt_n": made.membership.scrypt_n,
        "share": encoding.text(made.membership.shares[LTU]),
        "recovery": None if made.recovery is None else made.recovery.content(),
    }
    return render_vouched(KIND, content, memory, draw)


def parse_softcard(data: bytes) -> Softcard:
    """Return a softcard from its file's bytes; nothing of it is authenticated yet.

    Raises:
        DamagedFile: it does not parse.
    """
    hknso, content = parse(data, KIND, FIELDS)
    if number(content, "scrypt_n") not in cards.COSTS:
        raise DamagedFile("the softcard's scrypt cost is not one that cards are made with")
    bare = empty(
        hknso,
        word(content, "hkltu"),
        word(content, "name"),
        check=word(content, "check"),
        salt=encoding.untext(content["salt"], "the softcard's salt"),
        scrypt_n=content["scrypt_n"],
    )
    share = encoding.untext(content["share"], "a sealed share")
    filled = replace(bare.membership, shares={LTU: share})
    return replace(bare, membership=filled, recovery=pin_blob.parse(content["recovery"]))


def read_softcard(data: bytes, memory: Memory) -> Softcard:
    """Return a softcard of the module's world.

    Raises:
        DamagedFile: it does not parse.
        Refused: UnknownKM for another world's, VerifyFailed for a changed file.
    """
    made = parse_softcard(data)
    demand_vouched(data, KIND, FIELDS, memory)
    return made
