"""Smart cards: the image that a copier gets, the chip secret that he does not, and the count of PIN tries.

`cardstore/<serial>.card` holds salt, scrypt cost and one sealed share per token. `silicon/cards/<serial>` holds the
chip's secret, without which no PIN opens the image, and the failed tries.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from hsm_emulator import crypto, encoding, sharing
from hsm_emulator.errors import DamagedFile, Refused, Status
from hsm_emulator.sharing import Place, Quorum, Share
from hsm_emulator.state import CARDSTORE, CHIPS, State, number, parse, render, word
from hsm_emulator.unshown import Unshown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hsm_emulator.crypto import Draw
    from hsm_emulator.dialogue import Pin

SERIAL: Final = re.compile(r"SIM[0-9A-Za-z-]{1,40}")
LONGEST_WAIT: Final = 60
"""Seconds that the delay after failed PINs grows to: min(2^(failures-1), 60)."""

COSTS: Final = frozenset(1 << power for power in range(4, 21))
"""What scrypt on a card can cost; a file cannot make the module work for hours."""

FIELDS: Final = frozenset({"serial", "set"})
"""The fields of a card's image; `set` is null on a blank card."""

_CHIP: Final = frozenset({"serial", "secret", "failures", "last_ms", "lockout"})
_SET: Final = frozenset({"set_id", "set_name", "index", "k", "n", "thresholds", "salt", "scrypt_n", "shares"})


class Membership(Unshown, frozen=True, kw_only=True):
    """What is written on a card: which card of which set it is, shares by token, and tokens whose quorum is not K."""

    world: str
    set_id: str
    set_name: str
    index: int
    quorum: Quorum
    thresholds: Mapping[str, int]
    salt: bytes
    scrypt_n: int
    shares: Mapping[str, bytes]

    def place(self, token: str) -> Place:
        """Return where this card's share of a token belongs."""
        quorum = Quorum(k=self.thresholds.get(token, self.quorum.k), n=self.quorum.n)
        return Place(token=token, world=self.world, set_id=self.set_id, index=self.index, quorum=quorum)


class Chip(Unshown, frozen=True, kw_only=True):
    """The inside of a card: 32 secret bytes, the failed tries in a row, and the time of the last (ms since 1970).

    `lockout` is after how many failed tries in a row it looks at no PIN any more; 0 for never, it waits instead.
    """

    secret: bytes
    failures: int
    last_ms: int
    lockout: int

    @property
    def locked(self) -> bool:
        """Whether the chip looks at no PIN any more."""
        return 0 < self.lockout <= self.failures

    def wait_ms(self, now_ms: int) -> int:
        """Return for how long the chip looks at no PIN."""
        if self.failures == 0 or self.lockout:
            return 0
        delay = min(1 << min(self.failures - 1, 10), LONGEST_WAIT) * 1000
        return min(max(0, self.last_ms + delay - now_ms), delay)


def blank(state: State, serials: Sequence[str], draw: Draw) -> State:
    """Return the state with these blank cards.

    Raises:
        Refused: InvalidParameter for a serial that does not say it is simulated, AlreadyExists for one that is there.
    """
    for serial in serials:
        if not SERIAL.fullmatch(serial):
            raise Refused(Status.INVALID_PARAMETER, f"{serial!r} is no card serial: SIM, then letters, digits and -")
        if image(serial) in state.files:
            raise Refused(Status.ALREADY_EXISTS, f"there is a card {serial} already")
        state = state.put({image(serial): render("card", "", {"serial": serial, "set": None})})
        state = put_chip(state, serial, Chip(secret=draw.take(32), failures=0, last_ms=0, lockout=0))
    return state


def image(serial: str) -> str:
    """Return the path of a card's image."""
    return f"{CARDSTORE}{serial}.card"


class Carried(Unshown, frozen=True, kw_only=True):
    """A card on its way from one installation to another: its image and its chip, as they are stored."""

    serial: str
    image: bytes
    chip: bytes


def carried(state: State, serial: str) -> Carried:
    """Return a card as it is carried away; it is still there.

    Raises:
        Refused: UnknownID.
    """
    if not known(state, serial):
        raise Refused(Status.UNKNOWN_ID, f"there is no card {serial}")
    return Carried(serial=serial, image=state.files[image(serial)], chip=state.files[chip_path(serial)])


def put(state: State, card: Carried) -> State:
    """Return the state with a card that was carried here.

    Raises:
        Refused: InvalidParameter for no card's serial, AlreadyExists where another card has it.
        DamagedFile: image or chip does not parse, or is another card's.
    """
    if not SERIAL.fullmatch(card.serial):
        raise Refused(Status.INVALID_PARAMETER, f"{card.serial!r} is no card serial: SIM, then letters, digits and -")
    if known(state, card.serial) and carried(state, card.serial) != card:
        raise Refused(Status.ALREADY_EXISTS, f"there is another card {card.serial} already")
    there = state.put({image(card.serial): card.image, chip_path(card.serial): card.chip})
    read(there, card.serial)
    chip(there, card.serial)
    return there


def without(state: State, serial: str) -> State:
    """Return the state without a card."""
    return state.without(frozenset({image(serial), chip_path(serial)}))


def known(state: State, serial: str) -> bool:
    """Say whether there is a card with this serial."""
    return image(serial) in state.files and chip_path(serial) in state.files


def read(state: State, serial: str) -> Membership | None:
    """Return what is written on a card, None for a blank one; nothing of it is authenticated yet.

    Raises:
        DamagedFile: the image does not parse.
    """
    world, file = parse(state.files[image(serial)], "card", FIELDS)
    if word(file, "serial") != serial:
        raise DamagedFile(f"the image of card {serial} is that of another card")
    return None if file["set"] is None else _membership(world, file["set"])


def serials(state: State) -> tuple[str, ...]:
    """Return the serials of all cards, sorted."""
    images = (path.removeprefix(CARDSTORE) for path in state.files if path.startswith(CARDSTORE))
    return tuple(sorted(name.removesuffix(".card") for name in images))


def write(state: State, serial: str, membership: Membership) -> State:
    """Return the state with this written on the card."""
    content = {
        "set_id": membership.set_id,
        "set_name": membership.set_name,
        "index": membership.index,
        "k": membership.quorum.k,
        "n": membership.quorum.n,
        "thresholds": dict(membership.thresholds),
        "salt": encoding.text(membership.salt),
        "scrypt_n": membership.scrypt_n,
        "shares": {token: encoding.text(sealed) for token, sealed in membership.shares.items()},
    }
    return state.put({image(serial): render("card", membership.world, {"serial": serial, "set": content})})


def chip(state: State, serial: str) -> Chip:
    """Return the inside of a card.

    Raises:
        DamagedFile: it does not parse.
    """
    _, file = parse(state.files[chip_path(serial)], "card chip", _CHIP)
    if word(file, "serial") != serial:
        raise DamagedFile(f"the chip of card {serial} is that of another card")
    return Chip(
        secret=encoding.untext(file["secret"], "the chip's secret"),
        failures=number(file, "failures"),
        last_ms=number(file, "last_ms"),
        lockout=number(file, "lockout"),
    )


def count_tries(state: State, serial: str, secret: bytes) -> State:
    """Return the state with the inside of a chip that failed no try; unchanged where there is one already."""
    if chip_path(serial) in state.files:
        return state
    return put_chip(state, serial, Chip(secret=secret, failures=0, last_ms=0, lockout=0))


def chip_path(serial: str) -> str:
    """Return where the inside of a card is."""
    return CHIPS + serial


def charge(state: State, serial: str, now_ms: int) -> State:
    """Return the state with one more failed try: committed before the PIN is looked at."""
    inside = chip(state, serial)
    return put_chip(state, serial, replace(inside, failures=inside.failures + 1, last_ms=now_ms))


def clear(state: State, serial: str) -> State:
    """Return the state with no failed tries: after the right PIN."""
    return put_chip(state, serial, replace(chip(state, serial), failures=0, last_ms=0))


def stretch(membership: Membership, pin: Pin) -> bytes:
    """Return the PIN stretched as this card demands: 32 bytes, one scrypt."""
    return crypto.scrypt(pin.reveal(), membership.salt, membership.scrypt_n)


def open_shares(
    membership: Membership, inside: Chip, pin: Pin, module_keys: Mapping[str, bytes]
) -> tuple[Share, ...] | None:
    """Open a card's shares of the tokens named in `module_keys`, in that order; one scrypt for all.

    Returns:
        None where the PIN is wrong; also where image and chip do not belong together, or the image was changed: the
        card cannot tell these apart.
    """
    stretched = stretch(membership, pin)
    opened = []
    for token, module_key in module_keys.items():
        place = membership.place(token)
        key = sharing.share_key(stretched, module_key, inside.secret, place)
        share = sharing.open_share(membership.shares.get(token, b""), place, key)
        if share is None:
            return None
        opened.append(share)
    return tuple(opened)


def seal_shares(
    membership: Membership,
    inside: Chip,
    stretched: bytes,
    module_keys: Mapping[str, bytes],
    *,
    shares: Mapping[str, Share],
    draw: Draw,
) -> Membership:
    """Return the membership with a sealed share of every token under the stretched PIN."""
    sealed = {}
    for token, module_key in module_keys.items():
        place = membership.place(token)
        key = sharing.share_key(stretched, module_key, inside.secret, place)
        sealed[token] = sharing.seal_share(shares[token], place, key, draw)
    return replace(membership, shares=sealed)


def _membership(world: str, value: object) -> Membership:
    data = encoding.fields(value, _SET, "the card's set")
    if not isinstance(data["shares"], dict) or not isinstance(data["thresholds"], dict):
        raise DamagedFile("the card's shares or thresholds are not listed by token")
    if number(data, "scrypt_n") not in COSTS:
        raise DamagedFile("the card's scrypt cost is not one that cards are made with")
    try:
        quorum = Quorum(k=number(data, "k"), n=number(data, "n"))
        thresholds = {name: Quorum(k=number(data["thresholds"], name), n=quorum.n).k for name in data["thresholds"]}
    except Refused as refused:
        raise DamagedFile(f"the card's set is impossible: {refused.words}") from None
    if not 1 <= number(data, "index") <= quorum.n:
        raise DamagedFile("the card's index is beyond its set")
    return Membership(
        world=world,
        set_id=word(data, "set_id"),
        set_name=word(data, "set_name"),
        index=data["index"],
        quorum=quorum,
        thresholds=thresholds,
        salt=encoding.untext(data["salt"], "the card's salt"),
        scrypt_n=data["scrypt_n"],
        shares={token: encoding.untext(sealed, "a sealed share") for token, sealed in data["shares"].items()},
    )


def put_chip(state: State, serial: str, inside: Chip) -> State:
    """Return the state with this inside the card."""
    counts = {"failures": inside.failures, "last_ms": inside.last_ms, "lockout": inside.lockout}
    content = {"serial": serial, "secret": encoding.text(inside.secret), **counts}
    return state.put({chip_path(serial): render("card chip", "", content)})
