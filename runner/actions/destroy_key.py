"""Destroy a copy of a key, and look that it is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from msgspec.structs import replace

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
from runner.exchange import DestroyKey, DeviceRefused, KeyDestroyed, ListKeys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.situation import Situation


async def _perform(work: Work[NoSettings]) -> Outcome:
    artefact = work.input("key")
    fact = work.facts[artefact.id]
    app, ident = key_file(artefact)
    reply = await DestroyKey(device=work.device, app=app, ident=ident)
    match reply:
        case DeviceRefused():
            return refused(reply)
        case KeyDestroyed():
            pass
        case _:
            assert_never(reply)
    if (reply.size, reply.sha256) != (fact.size, fact.sha256):
        return Failed(rule="RUN021", words=f"the {artefact.file} that was destroyed is not the one that was made")
    left = await ListKeys(device=work.device)
    if isinstance(left, DeviceRefused):
        return refused(left)
    return Done(
        results={"key_hash": reply.key_hash, "gone": artefact.file not in left.files},
        seen=NO_FACTS,
        destroyed=(artefact.id,),
    )


def _requires(work: Work[NoSettings], _situation: Situation) -> Iterator[Unmet]:
    artefact = work.input("key")
    if not is_key(artefact) or key_file(artefact)[0] != "xferacld":
        yield Unmet(rule="ART007", words="`key` takes the copy that reduce_key made", key=("uses", "key"))
    if work.step.destroys != (artefact.id,):
        yield Unmet(
            rule="ART006", words=f"say `destroys: [{artefact.id}]`, so that a reader sees it", key=("destroys",)
        )


def _changes(work: Work[NoSettings], situation: Situation) -> Situation:
    artefact = work.input("key")
    now = situation.artefacts.get(artefact.id)
    return situation if now is None else situation.artefact_after(artefact.id, replace(now, gone=True))


ACTION: Final = Action(
    name="destroy_key",
    version=1,
    does="Destroy a copy of a key and look that it is gone.",
    settings=NoSettings,
    perform=_perform,
    requests=lambda _work: (allow(DestroyKey), allow(ListKeys)),
    repeat="never",
    inputs=(Input(name="key", store="device"),),
    results=(Result(name="key_hash", type="key_hash"), Result(name="gone", type="flag")),
    must_expect=("gone",),
    destroys=True,
    needs=Needs(device=True, mode="operational", world=True, network=False),
    requires=_requires,
    changes=_changes,
    command=lambda work: f'del "%NFAST_KMDATA%\\local\\{work.input("key").file}"',
)
