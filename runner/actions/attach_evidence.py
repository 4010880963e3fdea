"""People put a photograph, a scan or a recording at the station, and it is in the record by its digest (ADR 14)."""

from __future__ import annotations

from typing import Final, Literal

from runner.actions.interface import (
    Action,
    Done,
    FileFact,
    Outcome,
    Output,
    Result,
    Settings,
    Work,
    allow,
    refused,
)
from runner.exchange import DoByHand, FileArrived, LookAtFile


class AttachEvidenceSettings(Settings):
    """`media_type`: what it is, as published lists of media types call it."""

    media_type: Literal["image/jpeg", "image/png", "image/tiff", "application/pdf", "audio/flac", "video/mp4"]


async def _perform(work: Work[AttachEvidenceSettings]) -> Outcome:
    (artefact,) = work.outputs
    await DoByHand(title=work.step.title)
    reply = await LookAtFile(file=artefact.file, at=work.step.station, at_most=artefact.at_most)
    if not isinstance(reply, FileArrived):
        return refused(reply)
    fact = FileFact(file=artefact.file, store="station", at=work.step.station, size=reply.size, sha256=reply.sha256)
    return Done(results={"sha256": reply.sha256, "size": reply.size}, seen={artefact.id: fact})


ACTION: Final = Action(
    name="attach_evidence",
    version=1,
    does="Let people put a photograph, a scan or a recording at the station, and keep its digest.",
    settings=AttachEvidenceSettings,
    perform=_perform,
    requests=lambda _work: (allow(DoByHand), allow(LookAtFile)),
    repeat="safe",
    outputs=(Output(name="evidence"),),
    results=(Result(name="sha256", type="sha256"), Result(name="size", type="whole")),
)
