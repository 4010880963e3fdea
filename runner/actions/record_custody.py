"""Record in whose custody cards or a medium are from now on; numbers of bags and seals come from the step's `asks`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from runner.actions.interface import NO_FACTS, Action, Done, Outcome, Result, Settings, Unmet, Work, allow
from runner.exchange import DoByHand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.situation import Situation


class RecordCustodySettings(Settings):
    """`subject`: a card set or a medium; `custody`: how it is kept; `role`: the part of those who have it.

    They are the people who act in that role in the step.
    """

    subject: str
    custody: Literal["sealed", "handed_over"]
    role: str


async def _perform(work: Work[RecordCustodySettings]) -> Outcome:
    await DoByHand(title=work.step.title)
    held = sorted(acting.person for acting in work.people if acting.role == work.settings.role)
    return Done(results={"custody": work.settings.custody, "held_by": ", ".join(held)}, seen=NO_FACTS)


def _requires(work: Work[RecordCustodySettings], situation: Situation) -> Iterator[Unmet]:
    subject, role = work.settings.subject, work.settings.role
    medium = work.plan.medium(subject)
    if medium is None and work.plan.card_set(subject) is None:
        yield Unmet(rule="SHP008", words=f"no card set and no medium is called `{subject}`", key=("with", "subject"))
    elif medium is None and (state := situation.card_sets.get(subject)) != "written":
        words = f"the cards of `{subject}` are {state or 'not said to be written'}"
        yield Unmet(rule="SIT006", words=words, key=("with", "subject"))
    if all(need.role != role for need in work.step.quorum):
        yield Unmet(rule="QUO006", words=f"nobody acts as {role} in this step", key=("with", "role"))


def _changes(work: Work[RecordCustodySettings], situation: Situation) -> Situation:
    return situation.custody_after(work.settings.subject, work.settings.custody)


ACTION: Final = Action(
    name="record_custody",
    version=1,
    does="Record in whose custody cards or a medium are from now on.",
    settings=RecordCustodySettings,
    perform=_perform,
    requests=lambda _work: (allow(DoByHand),),
    repeat="safe",
    results=(Result(name="custody", type="text"), Result(name="held_by", type="text")),
    requires=_requires,
    changes=_changes,
)
