"""People destroy the cards of a set that was replaced, and say so; no machine here can see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.actions.interface import NO_FACTS, Action, Done, Outcome, Settings, Unmet, Work, allow
from runner.exchange import DoByHand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.situation import Situation


class DestroyCardsSettings(Settings):
    """`card_set`: whose cards are destroyed. Their serial numbers come from the step's `asks`."""

    card_set: str


async def _perform(work: Work[DestroyCardsSettings]) -> Outcome:
    await DoByHand(title=work.step.title)
    return Done(results={}, seen=NO_FACTS)


def _requires(work: Work[DestroyCardsSettings], situation: Situation) -> Iterator[Unmet]:
    """SIT006: a set that was replaced, so that nobody destroys cards that open a world."""
    state = situation.card_sets.get(work.settings.card_set)
    if state != "retired":
        words = f"the cards of `{work.settings.card_set}` are {state or 'not said to be retired'}, not retired"
        yield Unmet(rule="SIT006", words=words, key=("with", "card_set"))


def _changes(work: Work[DestroyCardsSettings], situation: Situation) -> Situation:
    return situation.cards_after(work.settings.card_set, "destroyed")


ACTION: Final = Action(
    name="destroy_cards",
    version=1,
    does="Let people destroy the cards of a set that was replaced.",
    settings=DestroyCardsSettings,
    perform=_perform,
    requests=lambda _work: (allow(DoByHand),),
    repeat="never",
    requires=_requires,
    changes=_changes,
)
