"""Read a key's public half back from the vault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from runner.actions.interface import (
    NO_FACTS,
    Action,
    Done,
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
from runner.exchange import VAULT, DeviceRefused, ReadVaultKey, VaultKeyRead
from runner.situation import in_vault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.situation import Situation


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


def _requires(work: Work[ReadVaultKeySettings], situation: Situation) -> Iterator[Unmet]:
    """SIT009: a step before imports the key; no playbook can say that a vault holds one from the start."""
    wanted = in_vault(work.settings.vault, work.settings.name)
    if wanted in situation.vault_keys:
        return
    words, setting = "nothing imports this key into the vault before", "name"
    imports = {
        in_vault(str(step.settings["vault"]), str(step.settings["name"])): step.id
        for step in work.plan.active_steps()
        if step.action.startswith("import_key@")
    }
    if wanted in imports:
        words = f"{words}: `{imports[wanted]}` comes later"
    elif imports:
        here = [step for (vault, _name), step in imports.items() if vault == wanted[0]]
        setting = "name" if here else "vault"
        words = f"{words}: `{(here or [*imports.values()])[-1]}` has another `{setting}`"
    yield Unmet(rule="SIT009", words=words, key=("with", setting), cause=" ".join(wanted))


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
    requires=_requires,
    command=lambda work: f"Get-AzureKeyVaultKey -VaultName '{work.settings.vault}' -Name '{work.settings.name}'",
)
