"""The emulated device: an installation's folder, its committed state, and the two ways in: look and change."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Self

from hsm_emulator import cards, crypto, dispatch, encoding, handling, module, ram, remote, replies, selftest, strangers
from hsm_emulator.dialogue import CardAsk, Dialogue, Pin, PinAsk
from hsm_emulator.disk import Disk
from hsm_emulator.errors import Refused, Status, StoreBroken
from hsm_emulator.quorum import Call
from hsm_emulator.receipts import AUDIT
from hsm_emulator.slot import Slot
from hsm_emulator.state import ROOMS, State
from hsm_emulator.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hsm_emulator.cards import Carried
    from hsm_emulator.crypto import Draw
    from hsm_emulator.handling import Act
    from hsm_emulator.messages import Change, Look, Reply

__all__ = ["CardAsk", "Clock", "Device", "Dialogue", "Pin", "PinAsk"]

Clock = Callable[[], float]
"""Gives seconds since 1970."""

_NV: Final = "/nv"
_SILICON: Final = "silicon/"


class Device:
    """One installation, open: nobody else has it. Closed by `close` or `with`.

    Args:
        store: the open store.
        draw: randomness; only tests have one that is not `crypto.SystemDraw`.
        clock: seconds since 1970; decides how long a card looks at no PIN.
    """

    def __init__(self, store: Store, *, draw: Draw, clock: Clock) -> None:
        self._store = store
        self._draw = draw
        self._clock = clock
        self._esn = _esn(store)

    @classmethod
    def manufacture(
        cls,
        folder: Path,
        *,
        esn: str,
        draw: Draw,
        clock: Clock,
        scrypt_n: int = crypto.SCRYPT_N,
        disk: Disk | None = None,
    ) -> Self:
        """Make a module in an empty or missing folder, fresh from the factory.

        Args:
            folder: the installation.
            esn: its serial number; contains SIM.
            draw: randomness.
            clock: seconds since 1970.
            scrypt_n: cost of a PIN on cards this module writes; lower only in tests.
            disk: the files; the real ones by default.

        Raises:
            Refused: InvalidParameter, or AlreadyExists where there is an installation.
        """
        store = Store.open(folder, disk or Disk(), ROOMS)
        try:
            _demand_empty(store, folder)
            state = module.manufacture(esn, scrypt_n, draw)
            store.commit("manufacture", "Manufacture", _digest(["manufacture", esn, scrypt_n]), state.files, b"{}")
            return cls(store, draw=draw, clock=clock)
        except BaseException:
            store.close()
            raise

    @classmethod
    def open(cls, folder: Path, *, draw: Draw, clock: Clock, disk: Disk | None = None) -> Self:
        """Open an installation, finishing its last commit if a crash left it unfinished.

        Raises:
            Refused: UnknownID where there is none, InvalidState where somebody else has it open.
            StoreBroken: its files are not what its receipts say.
        """
        disk = disk or Disk()
        if not any(disk.list(folder / part) for part in (_SILICON, AUDIT)):
            raise Refused(Status.UNKNOWN_ID, f"there is no installation in {folder}")
        store = Store.open(folder, disk, ROOMS)
        try:
            return cls(store, draw=draw, clock=clock)
        except BaseException:
            store.close()
            raise

    def close(self) -> None:
        """Let others open the installation. Nothing is pending."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def blank_cards(self, serials: Sequence[str]) -> None:
        """Put blank cards into the card store. Serials begin with SIM.

        Raises:
            Refused: InvalidParameter, or AlreadyExists for a serial that is there.
        """
        state = cards.blank(self._state(), serials, self._draw)
        digest = _digest(["blank cards", *serials])
        self._store.commit(f"blank-cards-{digest[:32]}", "BlankCards", digest, state.files, b"{}")

    def lay_out_strangers(self) -> None:
        """Put the cards of `faults.py` into the card store: a blank one, a worn-out one, one of another world.

        Raises:
            Refused: AlreadyExists, they are there.
        """
        state = strangers.lay_out(self._state(), self._draw)
        self._store.commit("strange-cards", "StrangeCards", _digest(["strange cards"]), state.files, b"{}")

    def all_cards(self) -> tuple[Carried, ...]:
        """Return all cards of the installation, as they would be carried to another one, by serial."""
        state = self._state()
        return tuple(cards.carried(state, serial) for serial in cards.serials(state))

    def take_cards(self, carried: Sequence[Carried]) -> None:
        """Put cards of another installation into the card store.

        Raises:
            Refused, DamagedFile: as `cards.put`; nothing was changed.
        """
        state = self._state()
        for card in carried:
            state = cards.put(state, card)
        self._move("TakeCards", state, carried)

    def give_cards(self, carried: Sequence[Carried]) -> None:
        """Take cards out of the card store that are somewhere else now.

        Raises:
            Refused: UnknownID, one of them is not here, or not as it is there; nothing was changed.
        """
        state = self._state()
        for card in carried:
            if cards.carried(state, card.serial) != card:
                raise Refused(Status.UNKNOWN_ID, f"card {card.serial} is another one here")
            state = ram.taken_out(cards.without(state, card.serial), card.serial, self._draw)
        self._move("GiveCards", state, carried)

    def look(self, command: Look) -> Reply:
        """Answer a question; changes nothing.

        Raises:
            Refused: as the command says; InvalidState without power.
        """
        handling.demand_power(self._state())
        return dispatch.look(self._state(), command, self._store, self._now_ms())

    def change(self, command: Change, request_id: str, dialogue: Dialogue) -> Reply:
        """Perform a command once and for ever under its request id; the same again gives the stored reply.

        Raises:
            Refused: as the command says; InvalidState without power; HostDataInvalid where the list of authorised cards
                is none; or InvalidParameter: the id was another command's. Nothing was changed, except that PIN tries
                may have been used up.
            StoreBroken: a commit failed half-way; open the device again.
        """
        digest = replies.command_digest(command)
        handling.demand_power(self._state())
        if "#" in request_id:
            raise Refused(Status.INVALID_PARAMETER, "# is kept for PIN tries; a request id has none")
        if (known := self._store.answered(request_id, digest)) is not None:
            return replies.recover(known.reply)

        def keep(state: State) -> None:
            self._store.commit(self._next_try(request_id), "PinTry", digest, state.files, b"{}")

        listed = remote.parse(self._store.beside(remote.PATH))
        slot = Slot(remote.RemoteSlots(dialogue, listed, self._esn), ram.recall(self._state()).slot)
        call = Call(draw=self._draw, now_ms=self._now_ms, dialogue=slot, keep=keep)
        state, reply = dispatch.change(self._state(), command, request_id, call)
        state = slot.after(state, self._draw)
        self._store.commit(request_id, type(command).__name__, digest, state.files, replies.store(reply))
        return reply

    def since(self, head: str) -> tuple[bool, tuple[str, ...]]:
        """Return whether `head` was ever the audit log's head, and the requests done after it, PIN tries left out."""
        return self._store.since(head)

    def holds(self, request_id: str) -> bool:
        """Say whether the request of that id was performed."""
        return self._store.receipt(request_id) is not None

    def handle(self, act: Act) -> None:
        """Let people do something with their hands: see `handling.py`. It is no request and has no id of a caller's.

        Raises:
            Refused: as `handling.handle`.
        """
        state = handling.handle(self._state(), act, self._draw)
        digest = _digest([repr(act)])
        self._store.commit(f"by-hand-{self._store.size + 1}", type(act).__name__, digest, state.files, b"{}")

    def self_test(self) -> tuple[str, ...]:
        """Return what was tried and holds, in words; changes nothing.

        Raises:
            Refused: VerifyFailed, the first that does not hold; InvalidState without power.
        """
        handling.demand_power(self._state())
        return selftest.run(self._state(), self._draw)

    def _now_ms(self) -> int:
        return int((self._clock() + handling.clock_off(self._state())) * 1000)

    def _move(self, kind: str, state: State, carried: Sequence[Carried]) -> None:
        digest = _digest([kind, *(card.serial for card in carried)])
        self._store.commit(f"{kind}-{self._draw.take(16).hex()}", kind, digest, state.files, b"{}")

    def _next_try(self, request_id: str) -> str:
        number = 1
        while self._store.receipt(f"{request_id}#try{number}") is not None:
            number += 1
        return f"{request_id}#try{number}"

    def _state(self) -> State:
        return State(esn=self._esn, files=self._store.files())


def _demand_empty(store: Store, folder: Path) -> None:
    if store.size:
        raise Refused(Status.ALREADY_EXISTS, f"there is an installation in {folder} already")


def _esn(store: Store) -> str:
    found = [path for path in store.files() if path.startswith(_SILICON) and path.endswith(_NV)]
    if len(found) != 1:
        raise StoreBroken("the folder does not hold exactly one module")
    return found[0].removeprefix(_SILICON).removesuffix(_NV)


def _digest(parts: list[str | int]) -> str:
    return crypto.sha256(encoding.encode(parts)).hex()
