"""Operator card sets as the world's folder has them.

    cards_<hkltu>      name, quorum, whether it is persistent, time-out, check value of LTU
    card_<hkltu>_<n>   that the set has such a card; nothing in it opens anything

hkltu is the hash of LTU, the set's one token. Its shares are on the cards, sealed under KM, chip and PIN (`cards.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hsm_emulator.errors import DamagedFile, Refused
from hsm_emulator.facts import CardSetFact
from hsm_emulator.quorum import LTU, CardSet
from hsm_emulator.sharing import Quorum
from hsm_emulator.state import LOCAL, number, parse, word
from hsm_emulator.vouching import SEAL, demand_vouched, render_vouched

if TYPE_CHECKING:
    from hsm_emulator.crypto import Draw
    from hsm_emulator.state import Memory

PREFIX: Final = f"{LOCAL}cards_"
KIND: Final = "card set"
FIELDS: Final = frozenset({"hkltu", "name", "k", "n", "persistent", "timeout", "check", SEAL})

CARD_PREFIX: Final = f"{LOCAL}card_"
CARD_KIND: Final = "operator card"
CARD_FIELDS: Final = frozenset({"hkltu", "index", SEAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorCards:
    """A card set. `timeout` is for how long it stays loaded, in seconds, 0 for ever; `check` tells LTU from others."""

    hknso: str
    hkltu: str
    name: str
    quorum: Quorum
    persistent: bool
    timeout: int
    check: str

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

    def card_set(self, memory: Memory) -> CardSet:
        """Return the set as the slot knows it: its shares are protected by the module key."""
        return CardSet(
            world=self.hknso,
            set_id=self.hkltu,
            name=self.name,
            quorum=self.quorum,
            module_keys={LTU: memory.module_key},
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
        )


def render_cards(made: OperatorCards, memory: Memory, draw: Draw) -> dict[str, bytes]:
    """Return the files of a set by their paths: its own, and one for each of its cards."""
    content = {
        "hkltu": made.hkltu,
        "name": made.name,
        "k": made.quorum.k,
        "n": made.quorum.n,
        "persistent": made.persistent,
        "timeout": made.timeout,
        "check": made.check,
    }
    files = {made.path: render_vouched(KIND, content, memory, draw)}
    for index in range(1, made.quorum.n + 1):
        card = {"hkltu": made.hkltu, "index": index}
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
    if not isinstance(content["persistent"], bool):
        raise DamagedFile("the card set's file does not say whether it is persistent")
    return OperatorCards(
        hknso=hknso,
        hkltu=word(content, "hkltu"),
        name=word(content, "name"),
        quorum=quorum,
        persistent=content["persistent"],
        timeout=number(content, "timeout"),
        check=word(content, "check"),
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
    return hknso, f"{CARD_PREFIX}{word(content, 'hkltu')}_{number(content, 'index')}"
