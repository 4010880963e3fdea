"""Generate an application key in the HSM."""

from __future__ import annotations

from typing import Annotated, Final, Literal, assert_never

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

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
    matching,
    refused,
)
from runner.exchange import DeviceRefused, GenerateKey, KeyMade


def _by_module(protect: str) -> str:
    if protect != "module":
        words = "the transfer tools move only keys with `protect: module`; keys under a card set are not supported"
        raise PydanticCustomError("rule", "{words}", {"rule": "DEV010", "words": words})
    return protect


def _ident(ident: str) -> str:
    words = "an identifier has 1 to 80 lower-case letters, digits and dashes; the transfer tool takes no more"
    return matching("DEV011", r"[0-9a-z-]{1,80}", ident, words)


class GenerateKeySettings(Settings):
    """As `generatekey --generate simple` takes them; `size` in bits."""

    type: Literal["RSA"]
    size: Literal[2048, 3072, 4096]
    protect: Annotated[str, AfterValidator(_by_module)]
    ident: Annotated[str, AfterValidator(_ident)]


async def _perform(work: Work[GenerateKeySettings]) -> Outcome:
    settings = work.settings
    reply = await GenerateKey(
        device=work.device,
        app="simple",
        ident=settings.ident,
        type=settings.type,
        size=settings.size,
        protect=settings.protect,
    )
    match reply:
        case KeyMade():
            fact = FileFact(file=reply.file, store="device", at=work.step.station, size=reply.size, sha256=reply.sha256)
            return Done(
                results={"key_hash": reply.key_hash, "public_key": reply.public_key, "size": settings.size},
                seen={artefact.id: fact for artefact in work.outputs},
            )
        case DeviceRefused():
            return refused(reply)
        case _:
            assert_never(reply)


def _command(work: Work[GenerateKeySettings]) -> str:
    s = work.settings
    return (
        f"generatekey --generate simple type={s.type} size={s.size} protect={s.protect} "
        f"ident={s.ident} plainname={s.ident} nvram=no pubexp="
    )


ACTION: Final = Action(
    name="generate_key",
    version=1,
    does="Generate an application key.",
    settings=GenerateKeySettings,
    perform=_perform,
    requests=lambda _work: (allow(GenerateKey),),
    repeat="never",
    outputs=(Output(name="key", store="device", file=lambda settings, _inputs: f"key_simple_{settings.ident}"),),
    results=(
        Result(name="key_hash", type="key_hash"),
        Result(name="public_key", type="public_key"),
        Result(name="size", type="whole"),
    ),
    needs=Needs(device=True, mode="operational", world=True, network=False),
    command=_command,
)
