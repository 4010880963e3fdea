"""Read a key's public half back from the vault."""

from __future__ import annotations

from typing import Final, assert_never

from runner.actions.interface import (
    NO_FACTS,
    Action,
    Done,
    KeyName,
    Needs,
    Outcome,
    Result,
    Settings,
    VaultName,
    Work,
    allow,
    refused,
)
from runner.exchange import VAULT, DeviceRefused, ReadVaultKey, VaultKeyRead


class ReadVaultKeySettings(Settings):
    """`vault` and `name`: where the key is."""

    vault: VaultName
    name: KeyName


async def _perform(work: Work[ReadVaultKeySettings]) -> Outcome:
    reply = await ReadVaultKey(device=VAULT, vault=work.settings.vault, name=work.settings.name)
    match reply:
        case VaultKeyRead():
            return Done(
                results={"key_hash": reply.key_hash, "public_key": reply.public_key, "kid": reply.kid}, seen=NO_FACTS
            )
        case DeviceRefused():
            return refused(reply)
        case _:
            assert_never(reply)


ACTION: Final = Action(
    name="read_vault_key",
    version=1,
    does="Read a key's public half from the vault.",
    settings=ReadVaultKeySettings,
    perform=_perform,
    requests=lambda _work: (allow(ReadVaultKey),),
    repeat="safe",
    results=(
        Result(name="key_hash", type="key_hash"),
        Result(name="public_key", type="public_key"),
        Result(name="kid", type="text"),
    ),
    needs=Needs(network=True),
    command=lambda work: f"Get-AzureKeyVaultKey -VaultName '{work.settings.vault}' -Name '{work.settings.name}'",
)
