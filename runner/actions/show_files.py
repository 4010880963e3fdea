"""Look at files in the world's folder of the HSM, so that later steps can back them up."""

from __future__ import annotations

from typing import Final

from runner.actions.interface import (
    Action,
    Done,
    FileFact,
    Needs,
    NoSettings,
    Outcome,
    Output,
    Result,
    Work,
    allow,
    refused,
)
from runner.exchange import FileShown, ShowFile


async def _perform(work: Work[NoSettings]) -> Outcome:
    seen: dict[str, FileFact] = {}
    for artefact in work.outputs:
        reply = await ShowFile(device=work.device, file=artefact.file)
        if not isinstance(reply, FileShown):
            return refused(reply)
        seen[artefact.id] = FileFact(
            file=reply.file, store="device", at=work.step.station, size=reply.size, sha256=reply.sha256
        )
    return Done(results={"files": len(seen)}, seen=seen)


ACTION: Final = Action(
    name="show_files",
    version=1,
    does="Look at files in the world's folder, which later steps can refer to.",
    settings=NoSettings,
    perform=_perform,
    requests=lambda work: (allow(ShowFile, least=len(work.outputs), most=len(work.outputs)),),
    repeat="safe",
    outputs=(Output(name="files", store="device", many=True),),
    results=(Result(name="files", type="whole"),),
    needs=Needs(device=True, network=False),
)
