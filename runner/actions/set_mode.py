"""Move the HSM's mode switch, which clears its memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, assert_never

from runner.actions.interface import NO_FACTS, Action, Done, Needs, Outcome, Result, Settings, Work, allow, refused
from runner.exchange import DeviceRefused, ModeSet, SetMode

if TYPE_CHECKING:
    from runner.situation import Situation


class SetModeSettings(Settings):
    """`mode`: the mode the module is put into."""

    mode: Literal["operational", "initialization", "maintenance"]


async def _perform(work: Work[SetModeSettings]) -> Outcome:
    reply = await SetMode(device=work.device, mode=work.settings.mode)
    match reply:
        case ModeSet():
            return Done(results={"mode": reply.mode}, seen=NO_FACTS)
        case DeviceRefused():
            return refused(reply)
        case _:
            assert_never(reply)


def _changes(work: Work[SetModeSettings], situation: Situation) -> Situation:
    return situation.device_after(work.device, mode=work.settings.mode)


def _command(work: Work[SetModeSettings]) -> str:
    switch = {"operational": "-O", "initialization": "-I", "maintenance": "--maintenance"}[work.settings.mode]
    return f"nopclearfail {switch} -m 1"


ACTION: Final = Action(
    name="set_mode",
    version=1,
    does="Put the HSM into a mode.",
    settings=SetModeSettings,
    perform=_perform,
    requests=lambda _work: (allow(SetMode),),
    repeat="safe",
    results=(Result(name="mode", type="text"),),
    needs=Needs(device=True, network=False),
    changes=_changes,
    command=_command,
)
