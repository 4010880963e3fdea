"""A plan walked through the room, step by step, before anything is touched: the only maker of a `CheckedPlan`.

A requirement that does not hold is reported once and the walk goes on as if it had held, so one cause gives one
message.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from runner import canonical
from runner.actions.interface import NO_FACTS, Action, Unmet, Work
from runner.actions.registry import BY_PIN
from runner.check_people import Fault, people_faults
from runner.document.kinds import answer_pattern_fault, pattern_fault
from runner.plan import CheckedPlan, plan_bytes
from runner.situation import ArtefactNow, DeviceNow, Situation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from runner.actions.interface import Input
from runner.plan import Plan, PlannedArtefact, PlannedStep

DEVICE_KINDS: Final = ("nshield",)
"""Kinds of devices that actions work with."""


def check(plan: Plan, *, absent: Collection[str] = ()) -> CheckedPlan | tuple[Fault, ...]:
    """Prove every step of a plan possible, or say why not.

    Args:
        plan: what was rendered.
        absent: people of the roster who cannot come; a stand-in who can takes their place.
    """
    if found := faults(plan, absent=absent):
        return found
    content = plan_bytes(plan)
    return CheckedPlan(plan=plan, content=content, sha256=canonical.file_digest(content))


def faults(plan: Plan, *, absent: Collection[str] = ()) -> tuple[Fault, ...]:
    """Return everything in a plan that will not work in the room.

    1. People: the card sets make sense, nobody stands on both sides of a line, every step, approval and exception
       can be filled, and whoever may have to sign has a key (QUO*).
    2. The room: each step's requirements hold and its effects follow (SIT*, ART*, DEV*).
    3. The end is what `ends_with` says, and every backup was made in time (SIT005, ART005).
    """
    return (*people_faults(plan, absent), *_once(_Walk(plan).faults()))


def _once(found: Sequence[Fault]) -> Iterator[Fault]:
    """Give each cause once, at its first step; the help names the others."""
    steps: dict[tuple[str, str], list[str]] = {}
    for fault in found:
        steps.setdefault((fault.rule, fault.cause), []).append(fault.step or "")
    for fault in found:
        if not fault.cause:
            yield fault
        elif same := steps.pop((fault.rule, fault.cause), []):
            others = tuple(step for step in dict.fromkeys(same) if step != fault.step)
            more = f"the same holds at {', '.join(others)}" if others else ""
            yield replace(fault, help="; ".join(filter(None, (fault.help, more))), also=others)


class _Walk:
    """One walk through the plan's steps."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._faults: list[Fault] = []
        self._now = _start(plan)

    def faults(self) -> list[Fault]:
        """Walk to the end and return what does not hold."""
        self._kinds()
        for step in self._plan.steps:
            self._deadlines(step.id)  # a step that is left out is a deadline all the same
            if step.left_out is None:
                self._step(step)
        self._deadlines("end")
        self._end()
        return self._faults

    def _kinds(self) -> None:
        """DEV001: every device is of a kind that actions work with."""
        for device in self._plan.devices:
            if device.kind not in DEVICE_KINDS:
                words = f"no action works with a device of the kind `{device.kind}`; write {', '.join(DEVICE_KINDS)}"
                self._faults.append(Fault(rule="DEV001", words=words, step=None, key=("devices", device.id, "kind")))

    def _unmet(
        self, step: PlannedStep, rule: str, words: str, key: tuple[str | int, ...], *, help_: str = "", cause: str = ""
    ) -> None:
        self._faults.append(Fault(rule=rule, words=words, step=step.id, key=key, help=help_, cause=cause))

    def _step(self, step: PlannedStep) -> None:
        action: Action[Any] = BY_PIN[step.action]
        work = Work(plan=self._plan, step=step, settings=action.settings.model_validate(step.settings), facts=NO_FACTS)
        station_known = any(station.id == step.station for station in self._plan.stations)
        if not station_known:
            self._unmet(step, "SHP008", f"no station is called `{step.station}`", ("station",))
            return
        self._patterns(step)
        self._network(step, action)
        if action.needs.device and not self._device(step, action):
            return
        for item in action.inputs:
            for artefact in work.inputs(item.name):
                self._input(step, item, artefact)
        if step.destroys and not action.destroys:
            self._unmet(step, "ART006", f"`{action.name}` destroys nothing", ("destroys",))
        for unmet in action.requires(work, self._now):
            self._report(step, unmet)
        for artefact in work.outputs:
            self._output(step, artefact)
        self._effects(action, work)

    def _patterns(self, step: PlannedStep) -> None:
        """SHP006: the pattern of an answer is one; a plan may come with a record, and so be anybody's."""
        for ask in step.asks:
            if ask.pattern is not None and (why := pattern_fault(ask.pattern) or answer_pattern_fault(ask.pattern)):
                self._unmet(step, "SHP006", why, ("asks", ask.name, "pattern"))

    def _effects(self, action: Action[Any], work: Work[Any]) -> None:
        """Follow what the step changes; what is taken out and used is in nobody's custody until somebody says so."""
        step = work.step
        needs = action.needs
        for used in (needs.cards_read, needs.cards_written, needs.cards_tried, needs.medium):
            if used is not None:
                self._now = self._now.custody_after(str(step.settings[used]), None)
        self._now = action.changes(work, self._now)
        self._now = self._now.artefacts_after(step.changes, lambda now: replace(now, backed_up=False))

    def _report(self, step: PlannedStep, unmet: Unmet) -> None:
        told = ((fault.step, fault.rule, fault.key) for fault in self._faults)
        if (step.id, unmet.rule, unmet.key) not in told:
            self._unmet(step, unmet.rule, unmet.words, unmet.key, cause=unmet.cause)

    def _network(self, step: PlannedStep, action: Action[Any]) -> None:
        """SIT004: what needs a network has one, and no HSM action is done on a machine that has."""
        network = self._plan.station(step.station).network
        if action.needs.network in {None, network}:
            return
        words = f"`{action.name}` needs a network and `{step.station}` has none"
        if network:
            words = f"`{action.name}` is for a machine without a network and `{step.station}` has one"
        advice = f"let it be at another station, or change `network` of `{step.station}`"
        self._unmet(step, "SIT004", words, ("station",), help_=advice, cause=step.station)

    def _device(self, step: PlannedStep, action: Action[Any]) -> bool:
        """SIT007, SIT001, SIT002, SIT003, SIT006: the device is here, in the mode, and so are world and cards."""
        device = next((item for item in self._plan.devices if item.id == step.device), None)
        if device is None:
            self._unmet(step, "SHP008", f"no device is called `{step.device}`", ("device",))
            return False
        if device.id not in self._now.devices:
            words = f"nothing says how `{device.id}` starts"
            self._faults.append(Fault(rule="SHP008", words=words, step=None, key=("starts_with",)))
            begins = {**self._now.devices, device.id: DeviceNow(mode="operational", world=None)}
            self._now = replace(self._now, devices=MappingProxyType(begins))
        if device.at != step.station:
            words = f"`{device.id}` is at `{device.at}` and the step is at `{step.station}`"
            advice = f"let the step be at `{device.at}`, or `{device.id}` at `{step.station}`"
            self._unmet(step, "SIT007", words, ("station",), help_=advice, cause=f"{device.id} {step.station}")
        now = self._now.devices[device.id]
        if action.needs.mode is not None and now.mode != action.needs.mode:
            words = f"`{device.id}` is in {now.mode} mode here, and `{action.name}` needs {action.needs.mode}"
            self._unmet(step, "SIT001", words, ("action",))
            self._now = self._now.device_after(device.id, mode=action.needs.mode)
        self._world(step, action, device.id)
        return True

    def _world(self, step: PlannedStep, action: Action[Any], device: str) -> None:
        needs = action.needs
        now = self._now.devices[device]
        read = None if needs.cards_read is None else str(step.settings[needs.cards_read])
        if needs.world is True and now.world is None:
            self._unmet(step, "SIT002", f"`{device}` holds no Security World here", ("action",))
            known = read or next((item.id for item in self._plan.card_sets), "acs")
            self._now = self._now.device_after(device, world=known).cards_after(known, "written")
        elif needs.world is False and now.world is not None:
            words = f"`{device}` holds the world of `{now.world}` here, and `{action.name}` is for a device without one"
            self._unmet(step, "SIT003", words, ("action",))
        if read is not None and (state := self._now.card_sets.get(read)) != "written":
            self._unmet(
                step,
                "SIT006",
                f"the cards of `{read}` are {state or 'not said to be written'}",
                ("with", needs.cards_read or ""),
            )
        if needs.cards_written is not None:
            written = str(step.settings[needs.cards_written])
            if (state := self._now.card_sets.get(written)) != "blank":
                words = f"the cards of `{written}` are {state or 'not said to be blank at the start'}"
                self._unmet(step, "SIT006", words, ("with", needs.cards_written))

    def _input(self, step: PlannedStep, taken: Input, artefact: PlannedArtefact) -> None:
        """ART001, ART002, ART007: the artefact is there, here, and of the right kind."""
        key = ("changes" if taken.changed else "uses", taken.name)
        now = self._now.artefacts.get(artefact.id)
        if now is not None and now.gone:
            self._unmet(step, "ART001", f"`{artefact.id}` is gone", key, cause=artefact.id)
            return
        if now is None:
            self._unmet(step, "ART001", f"`{artefact.id}` does not exist yet", key)
            now = ArtefactNow(at=step.station, store=artefact.store, made_by=artefact.made_by, backed_up=True)
        elif now.at != step.station:
            words = f"`{artefact.id}` is at `{now.at}` and the step is at `{step.station}`"
            cause = "" if now.made_by is None else f"{now.made_by} {now.at} {step.station}"  # one carry is missing
            self._unmet(step, "ART002", words, key, cause=cause)
            now = replace(now, at=step.station)
        if taken.store is not None and now.store != taken.store:
            where = {"device": "a file of the Security World", "station": "a file of the station"}[taken.store]
            self._unmet(step, "ART007", f"`{taken.name}` takes {where}, and `{artefact.id}` is none", key)
        self._now = self._now.artefact_after(artefact.id, now)

    def _output(self, step: PlannedStep, artefact: PlannedArtefact) -> None:
        """ART003: no file is made twice in one place."""
        for other in self._plan.artefacts:
            now = self._now.artefacts.get(other.id)
            if now is None or other.id == artefact.id:
                continue
            if (other.file.casefold(), now.at, now.store) == (artefact.file.casefold(), step.station, artefact.store):
                whence = "it was brought" if other.made_by is None else f"{other.made_by} made it"
                words = f"{artefact.file} is there already: {whence}"
                self._unmet(step, "ART003", words, ("produces", artefact.id))
        made = ArtefactNow(at=step.station, store=artefact.store, made_by=step.id)
        self._now = self._now.artefact_after(artefact.id, made)

    def _deadlines(self, before: str) -> None:
        """ART005: every file that must have a backup by now has one."""
        for artefact in self._plan.artefacts:
            now = self._now.artefacts.get(artefact.id)
            if artefact.backup_before == before and now is not None and not now.backed_up:
                words = f"`{artefact.id}` has no backup before {before}"
                key = ("brings" if artefact.made_by is None else "produces", artefact.id, "backup_before")
                self._faults.append(Fault(rule="ART005", words=words, step=artefact.made_by, key=key))
                self._now = self._now.artefact_after(artefact.id, replace(now, backed_up=True))

    def _end(self) -> None:
        """SIT005: the end is what `ends_with` says."""
        for end in self._plan.ends_with:
            for what, found, wanted in self._end_of(end.subject, end.id, end):
                if wanted is not None and found != wanted:
                    words = f"the {what} of `{end.id}` is {found or 'none'} at the end, not {wanted}"
                    self._faults.append(Fault(rule="SIT005", words=words, step=None, key=("ends_with", end.id)))

    def _end_of(self, subject: str, name: str, end: Any) -> Iterator[tuple[str, str | None, str | None]]:
        if subject == "device":
            device = self._now.devices.get(name)
            yield "mode", device.mode if device else None, end.mode
            yield "world", (device.world or "none") if device else None, end.world
        elif subject == "card_set":
            yield "state", self._now.card_sets.get(name), end.state
            yield "custody", self._now.custody.get(name), end.custody
        elif subject == "medium":
            yield "custody", self._now.custody.get(name), end.custody
        else:
            artefact = self._now.artefacts.get(name)
            gone = artefact is not None and artefact.gone
            yield "state", "destroyed" if gone else "there" if artefact else None, end.state
            yield "place", artefact.at if artefact and not gone else None, end.at


def _start(plan: Plan) -> Situation:
    devices = {
        start.id: DeviceNow(
            mode=start.mode or "operational", world=None if start.world in (None, "none") else start.world
        )
        for start in plan.starts_with
        if start.subject == "device"
    }
    cards = {start.id: start.state or "" for start in plan.starts_with if start.subject == "card_set"}
    brought = {
        item.id: ArtefactNow(at=where.at, store=item.store, made_by=None, backed_up=True) for item, where in plan.brings
    }
    return Situation(
        devices=MappingProxyType(devices),
        card_sets=MappingProxyType(cards),
        artefacts=MappingProxyType(brought),
        custody=MappingProxyType({}),
        on_media=MappingProxyType({}),
        vault_keys=MappingProxyType({}),  # no playbook can say that a key is there before
    )
