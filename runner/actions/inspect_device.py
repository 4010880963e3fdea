"""Look at the HSM, the Security World it is in, and the world file."""

from __future__ import annotations

from typing import Final, assert_never

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
from runner.exchange import DeviceInspected, DeviceRefused, InspectDevice


async def _perform(work: Work[NoSettings]) -> Outcome:
    reply = await InspectDevice(device=work.device)
    match reply:
        case DeviceInspected():
            fact = FileFact(file=reply.file, store="device", at=work.step.station, size=reply.size, sha256=reply.sha256)
            return Done(
                results={
                    "hknso": reply.hknso,
                    "mode": reply.mode,
                    "sha256": reply.sha256,
                    "cards": ", ".join(card.serial for card in reply.cards),
                },
                seen={artefact.id: fact for artefact in work.outputs},
            )
        case DeviceRefused():
            return refused(reply)
        case _:
            assert_never(reply)


ACTION: Final = Action(
    name="inspect_device",
    version=1,
    does="Look at the HSM, its Security World, and the world file, which later steps can refer to.",
    settings=NoSettings,
    perform=_perform,
    requests=lambda _work: (allow(InspectDevice),),
    repeat="safe",
    outputs=(Output(name="world", store="device", file=lambda _settings, _inputs: "world"),),
    results=(
        Result(name="hknso", type="key_hash"),
        Result(name="mode", type="text"),
        Result(name="sha256", type="sha256"),
        Result(name="cards", type="text"),
    ),
    needs=Needs(device=True, mode="operational", world=True, network=False),
    command=lambda _work: "nfkminfo -w",
)
