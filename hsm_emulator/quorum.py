"""The dialogue at the slot: cards of a new set are written and read back, or a quorum of an existing set is read.

The module is longer than others because both go through the same steps at the slot.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field
from msgspec.structs import replace

from hsm_emulator import cards, sharing, tries
from hsm_emulator.cards import Membership
from hsm_emulator.dialogue import ACS, CardAsk, PinAsk
from hsm_emulator.errors import DamagedFile, Refused, Status
from hsm_emulator.facts import CardFact
from hsm_emulator.sharing import Quorum

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hsm_emulator.crypto import Draw
    from hsm_emulator.dialogue import Dialogue, Pin
    from hsm_emulator.sharing import Share
    from hsm_emulator.state import State

SALT: Final = 16

LTU: Final = "LTU"
"""The one token of an operator card set or a softcard."""


class Call(Struct, frozen=True, kw_only=True):
    """What a command has at hand besides the state: randomness, the time, the operator, and durable PIN tries.

    `now_ms` gives milliseconds since 1970; `keep` commits a state in which only a card's tries have changed.
    """

    draw: Draw
    now_ms: Callable[[], int]
    dialogue: Dialogue
    keep: Callable[[State], None]


class CardSet(Struct, frozen=True, kw_only=True):
    """A set of cards: the world and set they are of, its name for people, its quorum.

    `module_keys` names the key that protects the shares of each of its tokens (32 bytes). `thresholds` says how many
    cards open a token where it is not K. `known` are the serials of the cards that this module wrote last; empty where
    it wrote none. `lockout`: see `tries.py`.
    """

    world: str
    set_id: str
    name: str
    quorum: Quorum
    module_keys: Mapping[str, bytes]
    thresholds: Mapping[str, int] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    lockout: int = 0

    def quorum_of(self, token: str) -> Quorum:
        """Return how many of the cards open a token."""
        return Quorum(k=self.thresholds.get(token, self.quorum.k), n=self.quorum.n)


def write_set(
    state: State, made: CardSet, tokens: Mapping[str, bytes], scrypt_n: int, call: Call
) -> tuple[State, tuple[CardFact, ...]]:
    """Write all cards of a new set onto blank cards, read them back and recombine every token.

    Raises:
        Refused: Cancelled; TokenAssemblyFailed where a card does not read back.
    """
    shares = {name: sharing.split(token, made.quorum_of(name), call.draw) for name, token in tokens.items()}
    return write_shares(state, made, tokens, shares, scrypt_n=scrypt_n, call=call)


def write_shares(
    state: State,
    made: CardSet,
    tokens: Mapping[str, bytes],
    shares: Mapping[str, Sequence[Share]],
    *,
    scrypt_n: int,
    call: Call,
) -> tuple[State, tuple[CardFact, ...]]:
    """Write cards as `write_set` does, with these shares of the tokens.

    A card is no longer blank once its PIN is chosen. The PIN is stretched while the next card is asked for: scrypt is
    nearly all of the time, leaves Python's lock alone, and draws nothing.

    Raises:
        Refused: as `write_set`.
    """
    written: list[tuple[CardFact, Pin]] = []
    begun: list[tuple[str, Membership, Future[bytes]]] = []
    with ThreadPoolExecutor(max_workers=2) as threads:
        for position in range(made.quorum.n):
            serial = _blank_card(state, made, position, call)
            ask = PinAsk(
                set_name=made.name, number=position + 1, serial=serial, new=True, attempt=1, left=0, wait_seconds=0
            )
            pin = call.dialogue.pin(ask)
            card = CardFact(number=position + 1, serial=serial)
            membership = _membership(made, card, salt=call.draw.take(SALT), scrypt_n=scrypt_n)
            state = cards.write(state, serial, membership)
            begun.append((serial, membership, threads.submit(cards.stretch, membership, pin)))
            written.append((card, pin))
        for position, (serial, membership, stretched) in enumerate(begun):
            mine = {name: parts[position] for name, parts in shares.items()}
            inside = cards.chip(state, serial)
            sealed = cards.seal_shares(
                membership, inside, stretched.result(), made.module_keys, shares=mine, draw=call.draw
            )
            fresh = replace(inside, failures=0, last_ms=0, lockout=made.lockout)
            state = cards.put_chip(cards.write(state, serial, sealed), serial, fresh)
    _read_back(state, made, tokens, written)
    return state, tuple(card for card, _ in written)


def read_quorum(
    state: State, wanted: CardSet, checks: Mapping[str, str], call: Call
) -> tuple[State, Mapping[str, bytes], tuple[CardFact, ...]]:
    """Read as many different cards of a set as its tokens need, each with its PIN, and assemble the tokens.

    Args:
        state: the files.
        wanted: the set; only the tokens in its `module_keys` are read.
        checks: the tokens' check values.
        call: the operator and the rest.

    Returns:
        The state with the tries as they are now, the tokens by name, and the cards in the order they came.

    Raises:
        Refused: Cancelled, DecryptFailed or TokenAuthFailed after the last ask, TokenAssemblyFailed.
    """
    read: dict[int, tuple[CardFact, tuple[Share, ...]]] = {}
    total = max(wanted.quorum_of(name).k for name in wanted.module_keys)
    while len(read) < total:
        ask = CardAsk(purpose="read", set_name=wanted.name, number=None, done=len(read), total=total)
        serial, membership = _next_member(state, wanted, call, ask)
        if membership.index in read:
            call.dialogue.tell(f"card {serial} was read already; it counts once")
            continue
        if wanted.known and serial not in wanted.known:
            words = f"card {serial} is of a set that was replaced, and the world file is the one of then: destroy both"
            call.dialogue.tell(words)
        state, shares = with_pin(state, serial, membership, wanted, call)
        read[membership.index] = (CardFact(number=membership.index, serial=serial), shares)
    tokens = {}
    for place, name in enumerate(wanted.module_keys):
        needed = wanted.quorum_of(name)
        parts = [shares[place] for _, shares in read.values()][: needed.k]
        tokens[name] = sharing.assemble(parts, needed, name, wanted.set_id, checks[name])
    return state, tokens, tuple(card for card, _ in read.values())


def _next_member(state: State, wanted: CardSet, call: Call, ask: CardAsk) -> tuple[str, Membership]:
    """Ask for cards until one is of the set."""
    while True:
        serial, membership = next_written(state, call, ask)
        if is_of(membership, serial, wanted, call):
            return serial, membership


def next_written(state: State, call: Call, ask: CardAsk) -> tuple[str, Membership]:
    """Ask for cards until one says what it is; return its serial and that. Of the others it is told why they do not.

    Raises:
        Refused: Cancelled.
    """
    while True:
        serial = next_card(call, ask)
        membership = _written_on(state, serial, call)
        if membership is not None:
            return serial, membership


def next_card(call: Call, ask: CardAsk) -> str:
    """Return the serial of the card that was put in.

    Raises:
        Refused: Cancelled.
    """
    serial = call.dialogue.card(ask)
    if serial is None:
        raise Refused(Status.CANCELLED, f"cancelled with {ask.done} of {ask.total} cards; nothing was changed")
    return serial


def _blank_card(state: State, made: CardSet, position: int, call: Call) -> str:
    ask = CardAsk(purpose="write", set_name=made.name, number=position + 1, done=position, total=made.quorum.n)
    while True:
        serial = next_card(call, ask)
        if not cards.known(state, serial):
            call.dialogue.tell(f"there is no card {serial}")
            continue
        try:
            membership = cards.read(state, serial)
        except DamagedFile as damage:
            call.dialogue.tell(f"card {serial} is unreadable: {damage.words}")
            continue
        if membership is None:
            return serial
        call.dialogue.tell(f"card {serial} is not blank: it is {describe(membership)}")


def _written_on(state: State, serial: str, call: Call) -> Membership | None:
    """Return what the card in the slot says it is, None (and tell) where it says nothing."""
    if not cards.known(state, serial):
        call.dialogue.tell(f"there is no card {serial}")
        return None
    try:
        membership = cards.read(state, serial)
    except DamagedFile as damage:
        call.dialogue.tell(f"card {serial} is unreadable: {damage.words}")
        return None
    if membership is None:
        call.dialogue.tell(f"card {serial} is blank")
    return membership


def is_of(membership: Membership, serial: str, wanted: CardSet, call: Call) -> bool:
    """Say whether a card says that it is of the set; tell what it is where it is not."""
    if membership.world != wanted.world:
        call.dialogue.tell(f"card {serial} is of another Security World: it is {describe(membership)}")
        return False
    if membership.set_id != wanted.set_id:
        both = membership.set_name == wanted.name == ACS
        why = "; one of these two sets was replaced: the card's, if the world file is the newest" if both else ""
        call.dialogue.tell(f"card {serial} is of another set: it is {describe(membership)}{why}")
        return False
    if membership.quorum != wanted.quorum:
        said, needed = (f"{quorum.k} of {quorum.n}" for quorum in (membership.quorum, wanted.quorum))
        call.dialogue.tell(f"card {serial} says that {said} cards open its set, and it is {needed}: it was changed")
        return False
    return True


def with_pin(
    state: State, serial: str, membership: Membership, wanted: CardSet, call: Call
) -> tuple[State, tuple[Share, ...]]:
    """Ask for a card's PIN until it opens. Each try is durable as a failure before the PIN is looked at.

    Raises:
        Refused: DecryptFailed or TokenAuthFailed after the last ask.
    """
    refusal = Refused(Status.DECRYPT_FAILED, f"{serial}: {tries.ASKS} wrong passphrases")
    for attempt in range(1, tries.ASKS + 1):
        now = call.now_ms()
        if (settled := tries.ready(state, serial, now)) is not state:
            call.keep(state := settled)
        if words := tries.warning(state, serial, membership):
            call.dialogue.tell(words)
        ask = PinAsk(
            set_name=wanted.name,
            number=membership.index,
            serial=serial,
            new=False,
            attempt=attempt,
            left=tries.left(state, serial, tries.ASKS - attempt),
            wait_seconds=-(-cards.chip(state, serial).wait_ms(now) // 1000),
        )
        pin = call.dialogue.pin(ask)
        now = call.now_ms()
        if wait := cards.chip(state, serial).wait_ms(now):
            words = f"{ask.holder} looks at no passphrase for another {-(-wait // 1000)} s after a wrong one"
            refusal = Refused(Status.TOKEN_AUTH_FAILED, words)
            call.dialogue.tell(words)
            continue
        state = cards.charge(state, serial, now)
        call.keep(state)
        shares = cards.open_shares(membership, cards.chip(state, serial), pin, wanted.module_keys)
        if shares is not None:
            state = cards.clear(state, serial)
            call.keep(state)
            return state, shares
        call.dialogue.tell(f"the passphrase of {ask.holder} is wrong")
        refusal = tries.wrong(state, serial, ask.holder, attempt)
    raise refusal


def _read_back(
    state: State, made: CardSet, tokens: Mapping[str, bytes], written: Sequence[tuple[CardFact, Pin]]
) -> None:
    """Open every written card from its bytes and recombine: each card is in at least one quorum that is tried.

    Two cards are opened at a time: scrypt is nearly all of it and leaves Python's lock alone, and nothing is drawn.
    """
    opened: list[tuple[Share, ...]] = []
    with ThreadPoolExecutor(max_workers=2) as threads:
        for (card, _pin), shares in zip(
            written, threads.map(lambda one: _open_written(state, made, *one), written), strict=True
        ):
            if shares is None:
                words = f"card {card.serial} does not read back; nothing was changed"
                raise Refused(Status.TOKEN_ASSEMBLY_FAILED, words)
            opened.append(shares)
    for place, name in enumerate(made.module_keys):
        needed = made.quorum_of(name)
        check = sharing.check_value(tokens[name], name, made.set_id)
        for start in sorted({*range(0, needed.n - needed.k, needed.k), needed.n - needed.k}):
            parts = [shares[place] for shares in opened[start : start + needed.k]]
            sharing.assemble(parts, needed, name, made.set_id, check)


def _open_written(state: State, made: CardSet, card: CardFact, pin: Pin) -> tuple[Share, ...] | None:
    membership = cards.read(state, card.serial)
    if membership is None or replace(membership, shares={}) != _membership(
        made, card, salt=membership.salt, scrypt_n=membership.scrypt_n
    ):
        return None
    return cards.open_shares(membership, cards.chip(state, card.serial), pin, made.module_keys)


def _membership(made: CardSet, card: CardFact, *, salt: bytes, scrypt_n: int) -> Membership:
    """Return what a card of the set says of itself, before it holds shares."""
    return Membership(
        world=made.world,
        set_id=made.set_id,
        set_name=made.name,
        index=card.number,
        quorum=made.quorum,
        thresholds=made.thresholds,
        salt=salt,
        scrypt_n=scrypt_n,
        shares={},
    )


def describe(membership: Membership) -> str:
    """Return what a card says it is, in the operator's words."""
    return f"{membership.set_name} card {membership.index} of {membership.quorum.n} of world {membership.world}"
