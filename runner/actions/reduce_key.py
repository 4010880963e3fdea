"""Make a copy of a key that can be used, and encrypted to one region, and nothing else (-ModifyAcls)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from runner.actions.interface import (
    Action,
    Done,
    FileFact,
    Input,
    Needs,
    Outcome,
    Output,
    Result,
    Settings,
    Unmet,
    Work,
    allow,
    is_key,
    key_file,
    key_of,
    refused,
)
from runner.exchange import DeviceRefused, KeyReduced, ReduceKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.situation import Situation


class ReduceKeySettings(Settings):
    """`card_set`: the Administrator Card Set whose quorum authorises the copy."""

    card_set: str


def _copy_name(_settings: ReduceKeySettings, inputs: Mapping[str, tuple[str, ...]]) -> str:
    (source,) = inputs.get("key") or ("",)
    return f"key_xferacld_{source.rpartition('_')[2]}"


async def _perform(work: Work[ReduceKeySettings]) -> Outcome:
    app, ident = key_file(work.input("key"))
    reply = await ReduceKey(
        device=work.device,
        at=work.step.station,
        app=app,
        ident=ident,
        kek=work.input("kek").file,
        world=work.input("world").file,
        card_set=work.settings.card_set,
        holders=work.holders(work.settings.card_set),
    )
    match reply:
        case KeyReduced():
            fact = FileFact(file=reply.file, store="device", at=work.step.station, size=reply.size, sha256=reply.sha256)
            return Done(
                results={
                    "key_hash": reply.key_hash,
                    "cards": ", ".join(card.serial for card in reply.cards),
                },
                seen={artefact.id: fact for artefact in work.outputs},
            )
        case DeviceRefused():
            return refused(reply)
        case _:
            assert_never(reply)


def _requires(work: Work[ReduceKeySettings], _situation: Situation) -> Iterator[Unmet]:
    if not is_key(work.input("key")) or key_file(work.input("key"))[0] != "simple":
        yield Unmet(rule="ART007", words="`key` takes a key that generate_key made", key=("uses", "key"))


def _command(work: Work[ReduceKeySettings]) -> str | None:
    key = key_of(work)
    if key is None:
        return None
    app, ident = key
    return (
        f"KeyTransferRemote.exe -ModifyAcls -KeyAppName {app} -KeyIdentifier {ident} "
        f"-ExchangeKeyPackage {work.input('kek').file} -NewSecurityWorldPackage {work.input('world').file}"
    )


ACTION: Final = Action(
    name="reduce_key",
    version=1,
    does="Make the copy of a key with reduced permissions.",
    settings=ReduceKeySettings,
    perform=_perform,
    requests=lambda _work: (allow(ReduceKey),),
    repeat="never",
    inputs=(
        Input(name="key", store="device"),
        Input(name="kek"),
        Input(name="world"),
        Input(name="tool"),
    ),
    outputs=(Output(name="copy", store="device", file=_copy_name),),
    results=(Result(name="key_hash", type="key_hash"), Result(name="cards", type="text")),
    needs=Needs(device=True, mode="operational", world=True, network=False, cards_read="card_set"),
    requires=_requires,
    command=_command,
)
