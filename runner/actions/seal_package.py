"""Encrypt the reduced copy to the region's key exchange key (KeyTransferRemote -Package)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, assert_never

from pydantic import AfterValidator

from runner.actions.interface import (
    Action,
    Done,
    Failed,
    FileFact,
    Input,
    KeyName,
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
    matching,
    refused,
)
from runner.exchange import CollectPackage, DeviceRefused, FileArrived, PackageSealed, SealPackage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.situation import Situation


def _guid(value: str) -> str:
    pattern = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    return matching("DEV012", pattern, value, "a subscription id has the form of a GUID")


class SealPackageSettings(Settings):
    """`subscription_id`: the subscription of the vault; `friendly_name`: the key's name there."""

    subscription_id: Annotated[str, AfterValidator(_guid)]
    friendly_name: KeyName


async def _perform(work: Work[SealPackageSettings]) -> Outcome:
    _app, ident = key_file(work.input("key"))
    (package,) = work.outputs
    sealed = await SealPackage(
        device=work.device,
        at=work.step.station,
        ident=ident,
        kek=work.input("kek").file,
        world=work.input("world").file,
        subscription_id=work.settings.subscription_id,
        friendly_name=work.settings.friendly_name,
    )
    match sealed:
        case DeviceRefused():
            return refused(sealed)
        case PackageSealed():
            pass
        case _:
            assert_never(sealed)
    reply = await CollectPackage(device=work.device, output=sealed.output, file=package.file, at=work.step.station)
    if not isinstance(reply, FileArrived):
        return refused(reply)
    if (reply.size, reply.sha256) != (sealed.size, sealed.sha256):
        return Failed(rule="RUN021", words=f"{package.file} is not what the device sealed")
    fact = FileFact(file=package.file, store="station", at=work.step.station, size=reply.size, sha256=reply.sha256)
    return Done(
        results={"key_hash": sealed.key_hash, "region": sealed.region, "sha256": reply.sha256},
        seen={package.id: fact},
    )


def _requires(work: Work[SealPackageSettings], _situation: Situation) -> Iterator[Unmet]:
    if not is_key(work.input("key")) or key_file(work.input("key"))[0] != "xferacld":
        yield Unmet(rule="ART007", words="`key` takes the copy that reduce_key made", key=("uses", "key"))


def _command(work: Work[SealPackageSettings]) -> str | None:
    key = key_of(work)
    if key is None:
        return None
    _app, ident = key
    return (
        f"KeyTransferRemote.exe -Package -KeyIdentifier {ident} "
        f"-ExchangeKeyPackage {work.input('kek').file} -NewSecurityWorldPackage {work.input('world').file} "
        f"-SubscriptionId {work.settings.subscription_id} -KeyFriendlyName {work.settings.friendly_name}"
    )


ACTION: Final = Action(
    name="seal_package",
    version=1,
    does="Encrypt the reduced copy to the region's key exchange key.",
    settings=SealPackageSettings,
    perform=_perform,
    requests=lambda _work: (allow(SealPackage), allow(CollectPackage)),
    repeat="never",
    inputs=(
        Input(name="key", store="device"),
        Input(name="kek"),
        Input(name="world"),
        Input(name="tool"),
    ),
    outputs=(Output(name="package", transfer=True),),
    results=(
        Result(name="key_hash", type="key_hash"),
        Result(name="region", type="text"),
        Result(name="sha256", type="sha256"),
    ),
    needs=Needs(device=True, mode="operational", world=True, network=False),
    requires=_requires,
    command=_command,
)
