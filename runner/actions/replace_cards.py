"""Replace an Administrator Card Set by a new one of the same quorum (racs)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from runner.actions.interface import (
    Action,
    Done,
    FileFact,
    Input,
    Needs,
    Outcome,
    Result,
    Settings,
    Unmet,
    Work,
    allow,
    refused,
)
from runner.exchange import CardsReplaced, DeviceRefused, ReplaceCards

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.situation import Situation


class ReplaceCardsSettings(Settings):
    """`old`: the set whose quorum allows it, and which is old then; `new`: the set that is written."""

    old: str
    new: str


async def _perform(work: Work[ReplaceCardsSettings]) -> Outcome:
    old, new = work.card_set(work.settings.old), work.card_set(work.settings.new)
    reply = await ReplaceCards(
        device=work.device,
        old=old.id,
        new=new.id,
        threshold=new.threshold,
        cards=new.cards,
        holders=work.holders(old.id),
        new_holders=work.holders(new.id),
    )
    match reply:
        case CardsReplaced():
            fact = FileFact(file=reply.file, store="device", at=work.step.station, size=reply.size, sha256=reply.sha256)
            return Done(
                results={
                    "hknso": reply.hknso,
                    "read": ", ".join(card.serial for card in reply.read),
                    "cards": ", ".join(card.serial for card in reply.cards),
                },
                seen={artefact.id: fact for artefact in work.inputs("world")},
            )
        case DeviceRefused():
            return refused(reply)
        case _:
            assert_never(reply)


def _requires(work: Work[ReplaceCardsSettings], situation: Situation) -> Iterator[Unmet]:
    """DEV014, SIT008, ART007: sets of one quorum, the cards of this world, and its world file."""
    old, new = (work.plan.card_set(name) for name in (work.settings.old, work.settings.new))
    if old is not None and new is not None and (old.threshold, old.cards) != (new.threshold, new.cards):
        words = f"`{new.id}` is {new.threshold} of {new.cards} and `{old.id}` is {old.threshold} of {old.cards}"
        yield Unmet(rule="DEV014", words=words, key=("with", "new"))
    held = situation.devices[work.device].world
    if held is not None and held != work.settings.old:
        words = f"`{work.device}` holds the world of `{held}` here, not of `{work.settings.old}`"
        yield Unmet(rule="SIT008", words=words, key=("with", "old"))
    if any(artefact.file != "world" for artefact in work.inputs("world")):
        yield Unmet(rule="ART007", words="`world` takes the world file", key=("changes", "world"))


def _changes(work: Work[ReplaceCardsSettings], situation: Situation) -> Situation:
    situation = situation.cards_after(work.settings.old, "retired").cards_after(work.settings.new, "written")
    return situation.device_after(work.device, world=work.settings.new)


ACTION: Final = Action(
    name="replace_cards",
    version=1,
    does="Replace an Administrator Card Set by a new one of the same quorum.",
    settings=ReplaceCardsSettings,
    perform=_perform,
    requests=lambda _work: (allow(ReplaceCards),),
    repeat="never",
    inputs=(Input(name="world", store="device", changed=True),),
    results=(
        Result(name="hknso", type="key_hash"),
        Result(name="read", type="text"),
        Result(name="cards", type="text"),
    ),
    must_expect=("hknso",),
    needs=Needs(device=True, mode="operational", world=True, network=False, cards_read="old", cards_written="new"),
    requires=_requires,
    changes=_changes,
    command=lambda _work: "racs -m 1",
)
