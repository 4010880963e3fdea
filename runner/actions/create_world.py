"""Create a Security World and its Administrator Card Set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, assert_never

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
from runner.exchange import CreateWorld, DeviceRefused, WorldCreated

if TYPE_CHECKING:
    from runner.situation import Situation


class CreateWorldSettings(Settings):
    """`card_set`: the set that is written; `cipher_suite`: as the vendor names it."""

    card_set: str
    cipher_suite: Literal[
        "DLf1024s160mDES3",
        "DLf1024s160mRijndael",
        "DLf3072s256mRijndael",
        "DLf3072s256mAEScSP800131Ar1",
        "ECp521mAES",
    ]


async def _perform(work: Work[CreateWorldSettings]) -> Outcome:
    card_set = work.card_set(work.settings.card_set)
    reply = await CreateWorld(
        device=work.device,
        cipher_suite=work.settings.cipher_suite,
        card_set=card_set.id,
        threshold=card_set.threshold,
        cards=card_set.cards,
        holders=work.holders(card_set.id),
    )
    match reply:
        case WorldCreated():
            fact = FileFact(file=reply.file, store="device", at=work.step.station, size=reply.size, sha256=reply.sha256)
            return Done(
                results={
                    "hknso": reply.hknso,
                    "hkm": reply.hkm,
                    "cards": ", ".join(card.serial for card in reply.cards),
                },
                seen={artefact.id: fact for artefact in work.outputs},
            )
        case DeviceRefused():
            return refused(reply)
        case _:
            assert_never(reply)


def _changes(work: Work[CreateWorldSettings], situation: Situation) -> Situation:
    situation = situation.cards_after(work.settings.card_set, "written")
    return situation.device_after(work.device, world=work.settings.card_set)


def _command(work: Work[CreateWorldSettings]) -> str:
    card_set = work.card_set(work.settings.card_set)
    return (
        f"new-world.exe --initialize --cipher-suite={work.settings.cipher_suite} --module=1 "
        f"--acs-quorum={card_set.threshold}/{card_set.cards}"
    )


ACTION: Final = Action(
    name="create_world",
    version=1,
    does="Create a Security World and its Administrator Card Set.",
    settings=CreateWorldSettings,
    perform=_perform,
    requests=lambda _work: (allow(CreateWorld),),
    repeat="never",
    outputs=(Output(name="world", store="device", file=lambda _settings, _inputs: "world"),),
    results=(
        Result(name="hknso", type="key_hash"),
        Result(name="hkm", type="key_hash"),
        Result(name="cards", type="text"),
    ),
    needs=Needs(device=True, mode="initialization", world=False, network=False, cards_written="card_set"),
    changes=_changes,
    command=_command,
)
