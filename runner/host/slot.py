"""People at the card slot, inside one request of a device: which card is in it, and its PIN, typed unseen.

Nothing stops here at the first Ctrl-C: a request is over when the device says so, or when a card is refused to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.backends.interface import Secret

if TYPE_CHECKING:
    from runner.backends.interface import CardWanted, PinWanted
    from runner.host.console import Console
    from runner.plan import Plan

CANCEL: Final = "none"
"""What is typed where no card comes; typed twice, it cancels the request."""


class LiveSlot:
    """The holders at the slot.

    Args:
        console: the terminal.
        plan: for people's names.
        card_minutes: how long a card is waited for; after that the request is cancelled.
    """

    def __init__(self, console: Console, plan: Plan, *, card_minutes: int) -> None:
        self._console = console
        self._plan = plan
        self._card_minutes = card_minutes

    def card(self, wanted: CardWanted) -> str | None:
        """Return the serial that is printed on the card in the slot, as typed; None cancels the request."""
        console = self._console
        console.tell(f"\n{self._asked_for(wanted)}")
        prompt = f"Serial printed on the card in the slot, or `{CANCEL}`:"
        with console.under_way(f"the device has its cards (or `{CANCEL}`, typed twice, cancels)"):
            while True:
                typed = console.ask_within(prompt, self._card_minutes * 60)
                if typed is None:
                    console.tell(f"No card came in {self._card_minutes} minutes; the request is cancelled.")
                    return None
                if typed.casefold() != CANCEL:
                    return typed
                again = console.ask_within(f"`{CANCEL}` again cancels the device's request:", self._card_minutes * 60)
                if again is None or again.casefold() == CANCEL:
                    console.tell("The request is cancelled.")
                    return None

    def pin(self, wanted: PinWanted) -> Secret:
        """Return the PIN that was typed: once where the card has one, twice and compared where it is chosen."""
        console = self._console
        which = f"card {wanted.number} of {wanted.card_set} ({wanted.serial})"
        with console.under_way("the device has its passphrase"):
            if wanted.wait_seconds:
                console.tell(f"The card looks at no passphrase for {wanted.wait_seconds} s.")
                console.pause(wanted.wait_seconds)
            if not wanted.new:
                tries = f"attempt {wanted.attempt}, {wanted.left or 'no'} more after it"
                return Secret(console.secret(f"Passphrase of {which}, {tries} (not shown):"))
            while True:
                chosen = Secret(console.secret(f"New passphrase for {which} (not shown):"))
                if console.secret("The same passphrase again (not shown):") == chosen.reveal():
                    return chosen
                console.tell("The two are not the same. Choose it again.")

    def tell(self, words: str) -> None:
        """Show a sentence of the device's."""
        self._console.tell(f"The device says: {words}")

    def _asked_for(self, wanted: CardWanted) -> str:
        if wanted.number is not None:
            holder = next((one.person for one in wanted.holders if one.number == wanted.number), None)
            whose = f", held by {self._name(holder)}" if holder is not None else ""
            place = f"{wanted.done + 1} of {wanted.total}"
            return f"Card {place} is written: a blank one for number {wanted.number} of {wanted.card_set}{whose}."
        holders = "; ".join(f"card {one.number}: {self._name(one.person)}" for one in wanted.holders)
        return f"Card {wanted.done + 1} of {wanted.total} is read: any card of {wanted.card_set} ({holders})."

    def _name(self, person: str) -> str:
        found = self._plan.person(person)
        return person if found is None else f"{found.name} [{person}]"
