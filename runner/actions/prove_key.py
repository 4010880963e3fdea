"""Have a key prove that it can be used: a signature over the request that asks for it, checked with its public key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from runner.actions.interface import (
    NO_FACTS,
    Action,
    Done,
    Failed,
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
    refused,
)
from runner.exchange import DeviceRefused, KeyProved, ProveKey
from runner.proofs import proves

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.situation import Situation


async def _perform(work: Work[NoSettings]) -> Outcome:
    app, ident = key_file(work.input("key"))
    reply = await ProveKey(device=work.device, app=app, ident=ident)
    match reply:
        case KeyProved():
            if not proves(reply.public_key, reply.challenge, reply.signature):
                return Failed(rule="RUN023", words=f"what the device gave is no signature by key {app} {ident}")
            return Done(results={"key_hash": reply.key_hash, "public_key": reply.public_key}, seen=NO_FACTS)
        case DeviceRefused():
            return refused(reply)
        case _:
            assert_never(reply)


def _requires(work: Work[NoSettings], _situation: Situation) -> Iterator[Unmet]:
    if not is_key(work.input("key")):
        yield Unmet(rule="ART007", words="`key` takes a key file of the world", key=("uses", "key"))


ACTION: Final = Action(
    name="prove_key",
    version=1,
    does="Have a key prove by a signature that it can be used.",
    settings=NoSettings,
    perform=_perform,
    requests=lambda _work: (allow(ProveKey),),
    repeat="safe",
    inputs=(Input(name="key", store="device"),),
    results=(Result(name="key_hash", type="key_hash"), Result(name="public_key", type="public_key")),
    must_expect=("public_key",),
    needs=Needs(device=True, mode="operational", world=True, network=False),
    requires=_requires,
)
