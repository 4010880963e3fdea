"""People change files that no machine here can change, and the files are looked at afterwards."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from runner.actions.interface import Action, Done, FileFact, Input, NoSettings, Outcome, Work, allow, refused
from runner.exchange import DoByHand, FileArrived, LookAtFile


async def _perform(work: Work[NoSettings]) -> Outcome:
    await DoByHand(title=work.step.title)
    seen: dict[str, FileFact] = {}
    for artefact in work.inputs("files"):
        reply = await LookAtFile(file=artefact.file, at=work.step.station, at_most=artefact.at_most)
        if not isinstance(reply, FileArrived):
            return refused(reply)
        seen[artefact.id] = replace(work.facts[artefact.id], size=reply.size, sha256=reply.sha256)
    return Done(results={}, seen=seen)


ACTION: Final = Action(
    name="change_by_hand",
    version=1,
    does="Let people change files, and look at them afterwards.",
    settings=NoSettings,
    perform=_perform,
    requests=lambda work: (
        allow(DoByHand),
        allow(LookAtFile, least=len(work.inputs("files")), most=len(work.inputs("files"))),
    ),
    repeat="author",
    inputs=(Input(name="files", many=True, changed=True),),
)
