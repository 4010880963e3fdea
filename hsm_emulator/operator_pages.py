"""Pages about operators: card sets, softcards, what is loaded, the slot. Attested is what `docs/emulator.md` says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsm_emulator.dialogue import card_name
from hsm_emulator.pages import MARK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hsm_emulator.facts import CardSetFact, LoadedFact, SlotFact, SoftcardFact
    from hsm_emulator.messages import ModuleState


def card_set_list(there: Sequence[CardSetFact]) -> str:
    """Return the page of `nfkminfo -c`: a set is (P)ersistent or (N)ot, and none can be read from afar."""
    lines = [
        MARK,
        f"Cardset list - {len(there)} cardsets:  (P)ersistent/(N)ot",
        f" {'Operator logical token hash':<40} k/n timeout  name",
    ]
    for made in there:
        flag = "P" if made.persistent else "N"
        timeout = str(made.timeout) if made.timeout else "none"
        lines.append(f" {made.hkltu} {made.threshold}/{made.cards} {timeout}-{flag:<4} {made.name}")
    return "\n".join([*lines, ""])


def softcard_list(there: Sequence[SoftcardFact]) -> str:
    """Return the page of `nfkminfo -s` and `ppmk --list`."""
    lines = [MARK, f"SoftCard summary - {len(there)} softcards:", f" {'Operator logical token hash':<40} name"]
    return "\n".join([*lines, *(f" {made.hkltu} {made.name}" for made in there), ""])


def loaded_lines(there: Sequence[LoadedFact]) -> str:
    """Return the end of the page of `nfkminfo`: the tokens in the module's memory."""
    if not there:
        return "No Pre-Loaded Objects\n"
    lines = [f"Pre-Loaded Objects - {len(there)}"]
    lines += [f"  {'cardset' if made.protect == 'token' else made.protect} {made.hkltu} {made.name}" for made in there]
    return "\n".join([*lines, ""])


def module_lines(module: ModuleState, hkml: str, slot: SlotFact) -> list[str]:
    """Return what `nfkminfo` says of the module and its slot.

    `hkml` is the hash of the module's signing key, "" where no file of the world says it.
    """
    return [
        "Module #1",
        f"  state         {'' if module.usable else '!'}Usable",
        f"  esn           {module.esn}",
        f"  hkml          {hkml or 'none'}",
        f"Module #1 Slot #0 IC {slot.insertions if slot.serial else 0}",
        f"  token         {card_name(slot.set_name, slot.number) if slot.serial else 'empty'}",
    ]


def slot_page(slot: SlotFact, wanted: Sequence[int]) -> str:
    """Return the page of `slotinfo`: the card that stays in slot 0, how many were put in, and the dynamic slots.

    A dynamic slot (flags R and D: remote, dynamic) is empty between commands.
    """
    line = "#0    Smartcard  -       0"
    if slot.serial:
        details = f"{card_name(slot.set_name, slot.number)}, card {slot.serial}"
        line = f"#0    Smartcard  present {slot.insertions:<3} A      {details}"
    rows = [line if number == 0 else f"#{number:<4} Smartcard  -       0   RD" for number in wanted]
    return "\n".join([MARK, "Slot  Type       Token   IC  Flags  Details", *rows, ""])
