"""Copy files onto a medium that keeps them, and compare the copies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from runner.actions.interface import (
    NO_FACTS,
    Action,
    Done,
    Failed,
    Input,
    Needs,
    Outcome,
    Result,
    Settings,
    Unmet,
    Work,
    allow,
    put_on,
    refused,
    too_small,
)
from runner.exchange import BackUpFile, FileArrived

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.situation import Situation


class BackUpSettings(Settings):
    """`medium`: what keeps the copies."""

    medium: str


async def _perform(work: Work[BackUpSettings]) -> Outcome:
    for artefact in work.inputs("files"):
        fact = work.facts[artefact.id]
        reply = await BackUpFile(file=fact.file, store=fact.store, at=work.step.station, medium=work.settings.medium)
        if not isinstance(reply, FileArrived):
            return refused(reply)
        if not fact.same(reply.size, reply.sha256):
            return Failed(rule="RUN021", words=f"the backup of {fact.file} is not what was made")
    return Done(results={"files": len(work.inputs("files"))}, seen=NO_FACTS)


def _requires(work: Work[BackUpSettings], situation: Situation) -> Iterator[Unmet]:
    medium = work.plan.medium(work.settings.medium)
    if medium is None:
        yield Unmet(rule="SHP008", words=f"no medium is called `{work.settings.medium}`", key=("with", "medium"))
    elif medium.keeps == "transfer":
        yield Unmet(rule="ART008", words=f"medium `{medium.id}` carries files and keeps none", key=("with", "medium"))
    elif medium.at != work.step.station:
        yield Unmet(
            rule="ART008",
            words=f"medium `{medium.id}` is at `{medium.at}`, not at `{work.step.station}`",
            key=("with", "medium"),
        )
    else:
        yield from too_small(work, situation, medium)


def _changes(work: Work[BackUpSettings], situation: Situation) -> Situation:
    medium = work.plan.medium(work.settings.medium)
    if medium is not None and medium.keeps != "transfer":
        situation = put_on(work, situation, medium)
    files = (artefact.id for artefact in work.inputs("files"))
    return situation.artefacts_after(files, lambda now: replace(now, backed_up=True))


ACTION: Final = Action(
    name="back_up",
    version=1,
    does="Copy files onto a medium that keeps them and compare the copies.",
    settings=BackUpSettings,
    perform=_perform,
    requests=lambda work: (allow(BackUpFile, least=len(work.inputs("files")), most=len(work.inputs("files"))),),
    repeat="safe",
    needs=Needs(medium="medium"),
    inputs=(Input(name="files", many=True, store=None),),
    results=(Result(name="files", type="whole"),),
    requires=_requires,
    changes=_changes,
)
