"""People do something no machine here can see, and say so."""

from __future__ import annotations

from typing import Final

from runner.actions.interface import NO_FACTS, Action, Done, Input, NoSettings, Outcome, Work, allow
from runner.exchange import DoByHand


async def _perform(work: Work[NoSettings]) -> Outcome:
    await DoByHand(title=work.step.title)
    return Done(results={}, seen=NO_FACTS)


ACTION: Final = Action(
    name="do_by_hand",
    version=1,
    does="Let people do something no machine here can see.",
    settings=NoSettings,
    perform=_perform,
    requests=lambda _work: (allow(DoByHand),),
    repeat="author",
    inputs=(Input(name="files", many=True, least=0, store=None),),
)
