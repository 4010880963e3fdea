"""Record what people read off a screen, a bag or a document; the values come from the step's `asks`."""

from __future__ import annotations

from typing import Final

from runner.actions.interface import NO_FACTS, Action, Done, NoSettings, Outcome, Work


async def _perform(_work: Work[NoSettings]) -> Outcome:
    return Done(results={}, seen=NO_FACTS)


ACTION: Final = Action(
    name="record_facts",
    version=1,
    does="Record what people read off a screen, a bag or a document.",
    settings=NoSettings,
    perform=_perform,
    requests=lambda _work: (),
    repeat="safe",
)
