"""Put the files of a backup back into the world's folder of a device that is in no Security World."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from runner.actions.interface import (
    Action,
    Done,
    Failed,
    FileFact,
    Input,
    Needs,
    NoSettings,
    Outcome,
    Result,
    Unmet,
    Work,
    allow,
    refused,
)
from runner.exchange import FileArrived, FileRestored, LookAtFile, RestoreFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.situation import Situation

_OF_A_WORLD: Final = re.compile(r"world|(module|key|cards?|softcard|nvram)_[0-9A-Za-z_-]{1,120}")
"""Names of the files that a world's folder has."""


async def _perform(work: Work[NoSettings]) -> Outcome:
    """Look at every file before the first is put back: the device is left as it was where one of them is another."""
    files = work.inputs("files")
    for artefact in files:
        fact = work.facts[artefact.id]
        reply = await LookAtFile(file=fact.file, at=work.step.station, at_most=artefact.at_most)
        if not isinstance(reply, FileArrived):
            return refused(reply)
        if not fact.same(reply.size, reply.sha256):
            return Failed(rule="RUN021", words=f"{fact.file} is not the file that was backed up; nothing was put back")
    seen: dict[str, FileFact] = {}
    for artefact in files:
        fact = work.facts[artefact.id]
        restored = await RestoreFile(device=work.device, at=work.step.station, file=fact.file, sha256=fact.sha256)
        if not isinstance(restored, FileRestored):
            return refused(restored)
        if not fact.same(restored.size, restored.sha256):
            return Failed(rule="RUN021", words=f"the device holds another {fact.file} than the one that was put back")
        seen[artefact.id] = FileFact(
            file=fact.file, store="device", at=work.step.station, size=restored.size, sha256=restored.sha256
        )
    return Done(results={"files": len(seen)}, seen=seen)


def _requires(work: Work[NoSettings], _situation: Situation) -> Iterator[Unmet]:
    """ART007: files of a world's folder, by their names."""
    for artefact in work.inputs("files"):
        if _OF_A_WORLD.fullmatch(artefact.file) is None:
            words = f"`{artefact.id}` is {artefact.file}, and no file of a Security World has that name"
            yield Unmet(rule="ART007", words=words, key=("uses", "files"))


def _changes(work: Work[NoSettings], situation: Situation) -> Situation:
    files = (artefact.id for artefact in work.inputs("files"))
    return situation.artefacts_after(files, lambda now: replace(now, store="device"))


ACTION: Final = Action(
    name="restore_files",
    version=1,
    does="Put the files of a backup back into the world's folder of the HSM.",
    settings=NoSettings,
    perform=_perform,
    requests=lambda work: (
        allow(LookAtFile, least=len(work.inputs("files")), most=len(work.inputs("files"))),
        allow(RestoreFile, least=len(work.inputs("files")), most=len(work.inputs("files"))),
    ),
    repeat="safe",
    inputs=(Input(name="files", many=True),),
    results=(Result(name="files", type="whole"),),
    needs=Needs(device=True, world=False, network=False),
    requires=_requires,
    changes=_changes,
)
