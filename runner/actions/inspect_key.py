"""Read a key's permissions out of its own access control list (aclprint, kmfile-dump)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from runner.actions.interface import (
    NO_FACTS,
    Action,
    Done,
    Input,
    Needs,
    NoSettings,
    Outcome,
    Result,
    Unmet,
    Work,
    allow,
    is_key,
    key_file,
    key_of,
    refused,
)
from runner.exchange import DeviceRefused, InspectKey, KeyInspected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.situation import Situation


async def _perform(work: Work[NoSettings]) -> Outcome:
    app, ident = key_file(work.input("key"))
    reply = await InspectKey(device=work.device, app=app, ident=ident)
    match reply:
        case KeyInspected():
            return Done(
                results={
                    "key_hash": reply.key_hash,
                    "exportable": reply.exportable,
                    "recoverable": reply.recoverable,
                    "archive_to": reply.archive_to,
                    "blob_to": reply.blob_to,
                },
                seen=NO_FACTS,
            )
        case DeviceRefused():
            return refused(reply)
        case _:
            assert_never(reply)


def _requires(work: Work[NoSettings], _situation: Situation) -> Iterator[Unmet]:
    if not is_key(work.input("key")):
        yield Unmet(rule="ART007", words="`key` takes a key file of the world", key=("uses", "key"))


def _command(work: Work[NoSettings]) -> str | None:
    key = key_of(work)
    if key is None:
        return None
    app, ident = key
    return (
        f'"%nfast_home%\\bin\\preload.exe" -m 1 -A {app} -K {ident} '
        '"%nfast_home%\\python\\bin\\python" "%nfast_home%\\python\\examples\\aclprint.py"; '
        f'"%nfast_home%\\bin\\kmfile-dump.exe" "%NFAST_KMDATA%\\local\\key_{app}_{ident}"'
    )


ACTION: Final = Action(
    name="inspect_key",
    version=1,
    does="Read a key's permissions.",
    settings=NoSettings,
    perform=_perform,
    requests=lambda _work: (allow(InspectKey),),
    repeat="safe",
    inputs=(Input(name="key", store="device"),),
    results=(
        Result(name="key_hash", type="key_hash"),
        Result(name="exportable", type="flag"),
        Result(name="recoverable", type="flag"),
        Result(name="archive_to", type="key_hash"),
        Result(name="blob_to", type="key_hash"),
    ),
    needs=Needs(device=True, mode="operational", world=True, network=False),
    requires=_requires,
    command=_command,
)
