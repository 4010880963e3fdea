"""Operator card sets as the world's folder has them.

    cards_<hkltu>      name, quorum, whether it is persistent, time-out, check value of LTU
    card_<hkltu>_<n>   that the set has such a card; its share under KP, if the set's PINs can be recovered

hkltu is the hash of LTU, the set's one token. Its shares are on the cards, sealed under KM, chip and PIN (`cards.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from hsm_emulator import pin_blob
from hsm_emulator.errors import DamagedFile, Refused
from hsm_emulator.facts import CardSetFact
from hsm_emulator.profiles import FIPS
from hsm_emulator.quorum import LTU, CardSet
from hsm_emulator.sharing import Place, Quorum
from hsm_emulator.state import LOCAL, number, parse, word
from hsm_emulator.vouching import SEAL, demand_vouched, render_vouched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hsm_emulator.crypto import Draw
    from hsm_emulator.pin_blob import PinBlob
    from hsm_emulator.state import Memory, State

PREFIX: Final = f"{LOCAL}cards_"
KIND: Final = "card set"
FIELDS: Final = frozenset({"hkltu", "name", "k", "n", "persistent", "timeout", "fips", "check", "recoverable", SEAL})

CARD_PREFIX: Final = f"{LOCAL}card_"
CARD_KIND: Final = "operator card"
CARD_FIELDS: Final = frozenset({"hkltu", "index", "recovery", SEAL})


class OperatorCards(Struct, frozen=True, kw_only=True):
    """A card set. `timeout` is for how long it stays loaded, in seconds, 0 for ever; `check` tells LTU from others.

    The PINs of a `recoverable` one can be replaced by a quorum of administrators.
    With `fips` its cards have a share of LTFIPS too: the world is a strict FIPS one.
    """

    hknso: str
    hkltu: str
    name: str
    quorum: Quorum
    persistent: bool
    timeout: int
    fips: bool
    check: str
    recoverable: bool

    @property
    def words(self) -> str:
        """What it is, in the operator's words."""
        return f"card set {self.name}"

    @property
    def path(self) -> str:
        """Where its file belongs."""
        return PREFIX + self.hkltu

    def card_path(self, index: int) -> str:
        """Where the file about one of its cards belongs."""
        return f"{CARD_PREFIX}{self.hkltu}_{index}"

    def place(self, index: int) -> Place:
        """Return where the share of one of its cards belongs."""
        return Place(token=LTU, world=self.hknso, set_id=self.hkltu, index=index, quorum=self.quorum)

    def card_set(self, memory: Memory, *names: str) -> CardSet:
        """Return the set as the slot knows it, with these tokens or all; the module key protects the shares."""
        here = names or ((LTU, FIPS) if self.fips else (LTU,))
        return CardSet(
            world=self.hknso,
            set_id=self.hkltu,
            name=self.name,
            quorum=self.quorum,
            thresholds={FIPS: 1} if FIPS in here and self.quorum.k != 1 else {},
            module_keys=dict.fromkeys(here, memory.module_key),
        )

    def fact(self) -> CardSetFact:
        """Return what is said of the set."""
        return CardSetFact(
            hkltu=self.hkltu,
            name=self.name,
            threshold=self.quorum.k,
            cards=self.quorum.n,
            persistent=self.persistent,
            timeout=self.timeout,
            recoverable=self.recoverable,
        )


def render_cards(
    made: OperatorCards, recovery: Sequence[PinBlob | None], memory: Memory, draw: Draw
) -> dict[str, bytes]:
    """Return the files of a set by their paths: its own, and one for each of its cards.

    `recovery` has each card's share under KP (`pin_blob.py`), None where its PIN cannot be recovered.
    """
    content = {
        "hkltu": made.hkltu,
        "name": made.name,
        "k": made.quorum.k,
        "n": made.quorum.n,
        "persistent": made.persistent,
        "timeout": made.timeout,
        "fips": made.fips,
        "check": made.check,
        "recoverable": made.recoverable,
    }
    files = {made.path: render_vouched(KIND, content, memory, draw)}
    for index, blob in enumerate(recovery, start=1):
        card = {"hkltu": made.hkltu, "index": index, "recovery": None if blob is None else blob.content()}
        files[made.card_path(index)] = render_vouched(CARD_KIND, card, memory, draw)
    return files


def parse_cards(data: bytes) -> OperatorCards:
    """Return a card set from its file's bytes; nothing of it is authenticated yet.

    Raises:
        DamagedFile: it does not parse.
    """
    hknso, content = parse(data, KIND, FIELDS)
    try:
        quorum = Quorum(k=number(content, "k"), n=number(content, "n"))
    except Refused as refused:
        raise DamagedFile(f"the card set is impossible: {refused.words}") from None
    if not all(isinstance(content[name], bool) for name in ("persistent", "fips", "recoverable")):
        raise DamagedFile("the card set's file does not say whether it is persistent, recoverable and for strict FIPS")
    return OperatorCards(
        hknso=hknso,
        hkltu=word(content, "hkltu"),
        name=word(content, "name"),
        quorum=quorum,
        persistent=content["persistent"],
        timeout=number(content, "timeout"),
        fips=content["fips"],
        check=word(content, "check"),
        recoverable=content["recoverable"],
    )


def read_cards(data: bytes, memory: Memory) -> OperatorCards:
    """Return a card set of the module's world.

    Raises:
        DamagedFile: it does not parse.
        Refused: UnknownKM for another world's, VerifyFailed for a changed file.
    """
    made = parse_cards(data)
    demand_vouched(data, KIND, FIELDS, memory)
    return made


def parse_card(data: bytes) -> tuple[str, str]:
    """Return hknso, and the path that a file about one card of a set belongs to.

    Raises:
        DamagedFile: it does not parse.
    """
    hknso, content = parse(data, CARD_KIND, CARD_FIELDS)
    pin_blob.parse(content["recovery"])
    return hknso, f"{CARD_PREFIX}{word(content, 'hkltu')}_{number(content, 'index')}"


def read_blob(state: State, made: OperatorCards, index: int, memory: Memory) -> PinBlob | None:
    """Return the share under KP of one of a set's cards; None where its file is missing or has none.

    Raises:
        DamagedFile: the file does not parse.
        Refused: UnknownKM, VerifyFailed for a changed file.
    """
    data = state.files.get(made.card_path(index))
    if data is None:
        return None
    demand_vouched(data, CARD_KIND, CARD_FIELDS, memory)
    if parse_card(data)[1] != made.card_path(index):
        raise DamagedFile(f"the file of card {index} of {made.words} is that of another card")
    return pin_blob.parse(parse(data, CARD_KIND, CARD_FIELDS)[1]["recovery"])
