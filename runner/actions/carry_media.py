"""Carry files on a medium to another station, and compare every one again on arrival."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from runner.actions.interface import (
    Action,
    Done,
    Failed,
    FileFact,
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
from runner.exchange import CarryFile, FileArrived
from runner.plan import ResultRef

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.situation import Situation


class CarryMediaSettings(Settings):
    """`medium`: what they are carried on; `to`: the station they are carried to."""

    medium: str
    to: str


async def _perform(work: Work[CarryMediaSettings]) -> Outcome:
    seen: dict[str, FileFact] = {}
    for artefact in work.inputs("files"):
        fact = work.facts[artefact.id]
        reply = await CarryFile(
            file=fact.file,
            store=fact.store,
            source=work.step.station,
            medium=work.settings.medium,
            to=work.settings.to,
        )
        if not isinstance(reply, FileArrived):
            return refused(reply)
        if not fact.same(reply.size, reply.sha256):
            return Failed(rule="RUN021", words=f"{fact.file} is not what it was when it left")
        seen[artefact.id] = FileFact(
            file=fact.file, store="station", at=work.settings.to, size=reply.size, sha256=reply.sha256
        )
    results: dict[str, str | int] = {"files": len(seen)}
    if len(seen) == 1:
        results["sha256"] = next(iter(seen.values())).sha256
    return Done(results=results, seen=seen)


def _requires(work: Work[CarryMediaSettings], situation: Situation) -> Iterator[Unmet]:
    medium = work.plan.medium(work.settings.medium)
    if medium is None:
        yield Unmet(rule="SHP008", words=f"no medium is called `{work.settings.medium}`", key=("with", "medium"))
    elif medium.keeps != "transfer":
        yield Unmet(
            rule="ART008",
            words=f"medium `{medium.id}` keeps a {medium.keeps} and is not carried",
            key=("with", "medium"),
        )
    elif medium.at != work.step.station and work.step.id == _first_carry(work):
        words = f"medium `{medium.id}` is at `{medium.at}`, not at `{work.step.station}`"
        yield Unmet(rule="ART008", words=words, key=("with", "medium"))
    else:
        yield from too_small(work, situation, medium)
    if len(work.inputs("files")) > 1:
        words = "there is one digest where one file is carried; carry them in steps of their own"
        digest = ResultRef(step=work.step.id, result="sha256")
        if any(item.result == "sha256" for item in work.step.expect):
            yield Unmet(rule="TPL010", words=words, key=("expect", "sha256"))
        elif any(item.equals == digest for step in work.plan.steps for item in step.expect):
            yield Unmet(rule="TPL010", words=words, key=("uses", "files"))
    if work.settings.to not in {station.id for station in work.plan.stations}:
        yield Unmet(rule="SHP008", words=f"no station is called `{work.settings.to}`", key=("with", "to"))
    elif work.settings.to == work.step.station:
        yield Unmet(rule="ART008", words="the files are carried to the station they are at", key=("with", "to"))


def _first_carry(work: Work[CarryMediaSettings]) -> str | None:
    """Return the step that the medium is carried in first; until then it is where the playbook says."""
    carries = (step for step in work.plan.active_steps() if step.action == work.step.action)
    return next((step.id for step in carries if step.settings["medium"] == work.settings.medium), None)


def _changes(work: Work[CarryMediaSettings], situation: Situation) -> Situation:
    medium = work.plan.medium(work.settings.medium)
    if medium is not None and medium.keeps == "transfer":
        situation = put_on(work, situation, medium)
    files = (artefact.id for artefact in work.inputs("files"))
    return situation.artefacts_after(files, lambda now: replace(now, at=work.settings.to, store="station"))


ACTION: Final = Action(
    name="carry_media",
    version=1,
    does="Carry files on a medium to another station and compare them on arrival.",
    settings=CarryMediaSettings,
    perform=_perform,
    requests=lambda work: (allow(CarryFile, least=len(work.inputs("files")), most=len(work.inputs("files"))),),
    repeat="safe",
    needs=Needs(medium="medium"),
    inputs=(Input(name="files", many=True, store=None),),
    results=(Result(name="sha256", type="sha256"), Result(name="files", type="whole")),
    requires=_requires,
    changes=_changes,
)
