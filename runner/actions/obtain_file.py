"""Obtain a published file onto a station with a network, and compare its digest before anything opens it."""

from __future__ import annotations

from typing import Final

from runner.actions.interface import (
    Action,
    Done,
    FileFact,
    Needs,
    Outcome,
    Output,
    Result,
    Settings,
    Work,
    allow,
    refused,
)
from runner.exchange import FileArrived, ObtainFile


class ObtainFileSettings(Settings):
    """`file`: the name under which it is published and kept."""

    file: str


async def _perform(work: Work[ObtainFileSettings]) -> Outcome:
    (artefact,) = work.outputs
    reply = await ObtainFile(file=artefact.file, at=work.step.station, at_most=artefact.at_most)
    if not isinstance(reply, FileArrived):
        return refused(reply)
    fact = FileFact(file=artefact.file, store="station", at=work.step.station, size=reply.size, sha256=reply.sha256)
    return Done(results={"sha256": reply.sha256, "size": reply.size}, seen={artefact.id: fact})


ACTION: Final = Action(
    name="obtain_file",
    version=1,
    does="Obtain a published file and compare its digest.",
    settings=ObtainFileSettings,
    perform=_perform,
    requests=lambda _work: (allow(ObtainFile),),
    repeat="safe",
    outputs=(Output(name="file", file=lambda settings, _inputs: settings.file),),
    results=(Result(name="sha256", type="sha256"), Result(name="size", type="whole")),
    must_expect=("sha256",),
    needs=Needs(network=True),
    command=lambda work: f"Get-FileHash {work.settings.file}",
)
