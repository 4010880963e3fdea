"""Verify a region's key exchange key and Security World packages up to the maker of its HSM."""

from __future__ import annotations

from typing import Final, assert_never

from runner.actions.interface import (
    NO_FACTS,
    Action,
    Done,
    Input,
    Needs,
    NoSettings,
    Outcome,
    Result,
    Work,
    allow,
    refused,
)
from runner.exchange import DeviceRefused, PackagesVerified, VerifyPackages


async def _perform(work: Work[NoSettings]) -> Outcome:
    reply = await VerifyPackages(
        device=work.device, at=work.step.station, kek=work.input("kek").file, world=work.input("world").file
    )
    match reply:
        case PackagesVerified():
            return Done(
                results={
                    "root_hash": reply.root_hash,
                    "kek_hash": reply.kek_hash,
                    "world_hash": reply.world_hash,
                    "region": reply.region,
                },
                seen=NO_FACTS,
            )
        case DeviceRefused():
            return refused(reply)
        case _:
            assert_never(reply)


def _command(work: Work[NoSettings]) -> str:
    return (
        '"%nfast_home%\\python\\bin\\python" verifykeypackage.py '
        f"-k {work.input('kek').file} -w {work.input('world').file}"
    )


ACTION: Final = Action(
    name="verify_packages",
    version=1,
    does="Verify a region's packages up to the maker's root.",
    settings=NoSettings,
    perform=_perform,
    requests=lambda _work: (allow(VerifyPackages),),
    repeat="safe",
    inputs=(Input(name="kek"), Input(name="world"), Input(name="verifier")),
    results=(
        Result(name="root_hash", type="key_hash"),
        Result(name="kek_hash", type="key_hash"),
        Result(name="world_hash", type="key_hash"),
        Result(name="region", type="text"),
    ),
    must_expect=("root_hash",),
    needs=Needs(device=True, mode="operational", world=True, network=False),
    command=_command,
)
