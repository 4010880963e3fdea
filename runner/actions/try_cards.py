"""Try whether cards open the Security World: those that must, and those that must not any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, assert_never

from runner.actions.interface import (
    NO_FACTS,
    Action,
    Done,
    Needs,
    Outcome,
    Result,
    Settings,
    Unmet,
    Work,
    allow,
    refused,
)
from runner.exchange import CardsTried, DeviceRefused, TryCards

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.situation import Situation


class TryCardsSettings(Settings):
    """`card_set`: whose cards are tried; `choices`: a quorum of them, or every quorum of all its cards."""

    card_set: str
    choices: Literal["quorum", "every"] = "quorum"


async def _perform(work: Work[TryCardsSettings]) -> Outcome:
    reply = await TryCards(
        device=work.device,
        card_set=work.settings.card_set,
        choices=work.settings.choices,
        holders=work.holders(work.settings.card_set),
    )
    match reply:
        case CardsTried():
            return Done(
                results={
                    "opens": reply.opens,
                    "hknso": reply.hknso,
                    "cards": ", ".join(card.serial for card in reply.cards),
                },
                seen=NO_FACTS,
            )
        case DeviceRefused():
            return refused(reply)
        case _:
            assert_never(reply)


def _requires(work: Work[TryCardsSettings], situation: Situation) -> Iterator[Unmet]:
    """SIT006: there is something on the cards; whether it still opens the world is what is tried."""
    state = situation.card_sets.get(work.settings.card_set)
    if state not in {"written", "retired"}:
        words = f"the cards of `{work.settings.card_set}` are {state or 'not said to be written'}"
        yield Unmet(rule="SIT006", words=words, key=("with", "card_set"))


ACTION: Final = Action(
    name="try_cards",
    version=1,
    does="Try whether cards open the Security World.",
    settings=TryCardsSettings,
    perform=_perform,
    requests=lambda _work: (allow(TryCards),),
    repeat="safe",
    results=(
        Result(name="opens", type="flag"),
        Result(name="hknso", type="key_hash"),
        Result(name="cards", type="text"),
    ),
    must_expect=("opens",),
    needs=Needs(
        device=True,
        mode="operational",
        world=True,
        network=False,
        cards_tried="card_set",
        all_tried=("choices", "every"),
    ),
    requires=_requires,
)
