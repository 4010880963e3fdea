"""Bring an HSM into the Security World whose file was put back into its folder (new-world --program)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

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
    refused,
)
from runner.exchange import DeviceRefused, LoadWorld, WorldLoaded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.situation import Situation


class LoadWorldSettings(Settings):
    """`card_set`: whose cards open the world."""

    card_set: str


async def _perform(work: Work[LoadWorldSettings]) -> Outcome:
    card_set, artefact = work.card_set(work.settings.card_set), work.input("world")
    reply = await LoadWorld(
        device=work.device, card_set=card_set.id, threshold=card_set.threshold, holders=work.holders(card_set.id)
    )
    match reply:
        case WorldLoaded():
            if not work.facts[artefact.id].same(reply.size, reply.sha256):
                return Failed(rule="RUN021", words=f"the world was loaded from another file than `{artefact.id}`")
            fact = FileFact(file=reply.file, store="device", at=work.step.station, size=reply.size, sha256=reply.sha256)
            return Done(
                results={
                    "hknso": reply.hknso,
                    "hkm": reply.hkm,
                    "cards": ", ".join(card.serial for card in reply.cards),
                },
                seen={artefact.id: fact},
            )
        case DeviceRefused():
            return refused(reply)
        case _:
            assert_never(reply)


def _requires(work: Work[LoadWorldSettings], _situation: Situation) -> Iterator[Unmet]:
    if work.input("world").file != "world":
        yield Unmet(rule="ART007", words="`world` takes the world file", key=("uses", "world"))


def _changes(work: Work[LoadWorldSettings], situation: Situation) -> Situation:
    return situation.device_after(work.device, world=work.settings.card_set)


ACTION: Final = Action(
    name="load_world",
    version=1,
    does="Bring the HSM into the Security World whose file was put back.",
    settings=LoadWorldSettings,
    perform=_perform,
    requests=lambda _work: (allow(LoadWorld),),
    repeat="never",
    inputs=(Input(name="world", store="device"),),
    results=(
        Result(name="hknso", type="key_hash"),
        Result(name="hkm", type="key_hash"),
        Result(name="cards", type="text"),
    ),
    must_expect=("hknso", "hkm"),
    needs=Needs(device=True, mode="initialization", world=False, network=False, cards_read="card_set"),
    requires=_requires,
    changes=_changes,
    command=lambda _work: "new-world --program --module=1",
)
