"""People do something no machine here can see, and say so."""

from __future__ import annotations

from typing import Final, assert_never

from runner.actions.interface import NO_FACTS, Action, Done, Failed, Input, NoSettings, Outcome, Work, allow
from runner.exchange import Declined, DoByHand, HandsDone


async def _perform(work: Work[NoSettings]) -> Outcome:
    reply = await DoByHand(title=work.step.title)
    match reply:
        case HandsDone():
            return Done(results={}, seen=NO_FACTS)
        case Declined():
            return Failed(rule="RUN040", words=f"{reply.person} declined: {reply.reason}")
        case _:
            assert_never(reply)


ACTION: Final = Action(
    name="do_by_hand",
    version=1,
    does="Let people do something no machine here can see.",
    settings=NoSettings,
    perform=_perform,
    requests=lambda _work: (allow(DoByHand),),
    repeat="author",
    inputs=(Input(name="files", many=True, store=None),),
)
