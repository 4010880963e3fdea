"""Import a transfer package into a vault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from runner.actions.interface import (
    NO_FACTS,
    Action,
    Done,
    Input,
    KeyName,
    Needs,
    Outcome,
    Result,
    Settings,
    Unmet,
    VaultName,
    Work,
    allow,
    refused,
)
from runner.exchange import VAULT, DeviceRefused, ImportKey, KeyImported
from runner.situation import VaultKeyNow, in_vault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.situation import Situation


class ImportKeySettings(Settings):
    """`vault` and `name`: where the key goes; `subscription_id`: the subscription signed in to."""

    vault: VaultName
    name: KeyName
    subscription_id: str


async def _perform(work: Work[ImportKeySettings]) -> Outcome:
    reply = await ImportKey(
        device=VAULT,
        at=work.step.station,
        package=work.input("package").file,
        vault=work.settings.vault,
        name=work.settings.name,
        subscription_id=work.settings.subscription_id,
    )
    match reply:
        case KeyImported():
            return Done(
                results={"key_hash": reply.key_hash, "public_key": reply.public_key, "kid": reply.kid}, seen=NO_FACTS
            )
        case DeviceRefused():
            return refused(reply)
        case _:
            assert_never(reply)


def _requires(work: Work[ImportKeySettings], situation: Situation) -> Iterator[Unmet]:
    """SIT010: the vault takes a name once, and a package once, whatever name it is given."""
    package = work.input("package").id
    known = situation.vault_keys.get(in_vault(work.settings.vault, work.settings.name))
    if known is not None:
        words = f"`{known.imported_by}` imports a key of this name into this vault before"
        yield Unmet(rule="SIT010", words=words, key=("with", "name"))
    elif taken := next((key for key in situation.vault_keys.values() if key.package == package), None):
        words = f"`{taken.imported_by}` imports `{package}` before, and a package is taken once"
        yield Unmet(rule="SIT010", words=words, key=("uses", "package"))


def _changes(work: Work[ImportKeySettings], situation: Situation) -> Situation:
    key = VaultKeyNow(imported_by=work.step.id, package=work.input("package").id)
    return situation.import_after(work.settings.vault, work.settings.name, key)


def _command(work: Work[ImportKeySettings]) -> str:
    s = work.settings
    return (
        f"Add-AzureKeyVaultKey -VaultName '{s.vault}' -Name '{s.name}' "
        f"-KeyFilePath '{work.input('package').file}' -Destination 'HSM'"
    )


ACTION: Final = Action(
    name="import_key",
    version=1,
    does="Import a transfer package into a vault.",
    settings=ImportKeySettings,
    perform=_perform,
    requests=lambda _work: (allow(ImportKey),),
    repeat="never",
    inputs=(Input(name="package"),),
    results=(
        Result(name="key_hash", type="key_hash"),
        Result(name="public_key", type="public_key"),
        Result(name="kid", type="text"),
    ),
    needs=Needs(network=True),
    requires=_requires,
    changes=_changes,
    command=_command,
)
