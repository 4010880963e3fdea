"""Unpack an archive that must hold exactly the items named, and nothing else."""

from __future__ import annotations

from typing import Final

from runner.actions.interface import (
    Action,
    Done,
    FileFact,
    Input,
    NoSettings,
    Outcome,
    Output,
    Result,
    Work,
    allow,
    refused,
)
from runner.exchange import ArchiveUnpacked, UnpackArchive


async def _perform(work: Work[NoSettings]) -> Outcome:
    reply = await UnpackArchive(
        file=work.input("archive").file,
        at=work.step.station,
        items=tuple(artefact.file for artefact in work.outputs),
    )
    if not isinstance(reply, ArchiveUnpacked):
        return refused(reply)
    seen = {
        artefact.id: FileFact(file=item.file, store="station", at=work.step.station, size=item.size, sha256=item.sha256)
        for artefact, item in zip(work.outputs, reply.items, strict=True)
    }
    return Done(results={"items": len(seen)}, seen=seen)


ACTION: Final = Action(
    name="unpack_archive",
    version=1,
    does="Unpack an archive that holds exactly the items named.",
    settings=NoSettings,
    perform=_perform,
    requests=lambda _work: (allow(UnpackArchive),),
    repeat="safe",
    inputs=(Input(name="archive"),),
    outputs=(Output(name="items", many=True),),
    results=(Result(name="items", type="whole"),),
)
