"""Each device's own audit log as the record shows it: it moves with the requests of the record and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.verification.requests import IN_VAULT, VAULT
from runner.verification.verdict import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.verification.log import Entry
    from runner.verification.plan import Plan, State

    Device = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waits:
    """A mutating request that has no reply yet: its device as it was before, and whether tries of PINs move it too."""

    device: str
    before: Device
    tries: bool


class Devices:
    """Follows every device from when it is first shown. What it shows is kept as the record gives it.

    Attributes:
        uncertain: what the record does not explain, by device, with the entry that shows it; empty once people
            decided what it counts as.
        perhaps: whether a device stands where tries of PINs alone may have brought it, or something else; only the
            device itself could tell.
        simulated: whether any of them is an emulator.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._places = {device: frozenset({at}) for device, at in plan.devices.items()}
        self._places[VAULT] = frozenset(step.station for step in plan.steps if IN_VAULT & step.requests.keys())
        self._known: dict[str, Device] = {}
        self._here: list[str] = []
        self._waits: _Waits | None = None
        self._happened = False
        self.uncertain: dict[str, Finding] = {}
        self.perhaps = False
        self.simulated = False

    @property
    def ids(self) -> frozenset[str]:
        """The devices with an audit log of their own that were shown so far."""
        return frozenset(self._known)

    def sit(self, entry: Entry) -> Iterator[Finding]:
        """Take what the devices of a sitting show at its beginning.

        LOG051: they are the plan's, or the vault, at stations that the sitting plays, each the one it was before, and
        none that was shown before is left out. LOG052: a device that is shown for the first time is as the plan starts.
        LOG088, where the ceremony goes on: it stands where the log left it, or its request that waits explains more.
        """
        shown, played = entry.data["devices"], set(entry.data["stations"])
        self._here = [device["id"] for device in shown]
        for device in shown:
            name = device["id"]
            self.simulated |= device["backend"] == "emulator"
            known = self._known.get(name)
            if not played & self._places.get(name, frozenset()):
                words = f"{name} is no device of a station that this machine plays"
                yield Finding(rule="LOG051", seq=entry.seq, words=words)
            if known is None:
                yield from _as_planned(device, self._plan.starts_with, "starts", entry.seq)
            elif _identity(known) != _identity(device):
                yield Finding(rule="LOG051", seq=entry.seq, words=f"{name} is another device than before")
            elif not self._explained(known, device):
                self._unexplained(known, device, entry.seq)
            elif self._waits is not None and self._waits.device == name and self._waits.tries:
                self.perhaps |= device["audit"]["size"] - self._waits.before["audit"]["size"] > 1
            self._known[name] = device
        away = sorted(name for name in self._known if played & self._places.get(name, frozenset()))
        if missing := [name for name in away if name not in self._here]:
            yield Finding(rule="LOG051", seq=entry.seq, words=f"not shown: {', '.join(missing)}")

    def _explained(self, known: Device, shown: Device) -> bool:
        """Say whether a device stands where the log left it, or has gone on by its own request that waits."""
        if shown == known:
            return True
        waits = self._waits
        if waits is None or self._happened or waits.device != shown["id"] or _identity(known) != _identity(shown):
            return False
        return _advanced(waits.before, shown, still=False, tries=waits.tries) and _no_earlier(known, shown)

    def _unexplained(self, known: Device, shown: Device, seq: int) -> None:
        words = f"{shown['id']} went from {_place(known)} to {_place(shown)} beside the record, and nobody resolved it"
        self.uncertain.setdefault(shown["id"], Finding(rule="LOG088", seq=seq, words=words))

    def asked(self, request: dict[str, Any]) -> None:
        """Take it that a mutating request goes to its device; `request` is the data of its entry."""
        known = self._known.get(request["device"])
        self._happened = False
        if known is not None:
            tries = "holders" in request["request"]
            self._waits = _Waits(device=request["device"], before=known, tries=tries)

    def replied(
        self, shown: dict[str, Any] | None, request: dict[str, Any], *, refused: bool, seq: int
    ) -> Iterator[Finding]:
        """Take what a device shows with a reply.

        LOG050: with a mutating request that was done, its audit advanced by one receipt, or by more where card holders
        try their PINs, each try being one; with any other request it stands where it stood. LOG051: it is the device
        the request went to, here, with the identity it had before.

        Args:
            shown: the device in the reply.
            request: the data of the request's entry.
            refused: whether the reply is a refusal, after which the audit may stand where it stood.
            seq: the reply's entry.
        """
        mutates, waits, decided = request["mutates"], self._waits, self._happened
        self._waits, self._happened, self.perhaps = None, False, False
        if shown is None:
            if mutates:
                yield Finding(rule="LOG051", seq=seq, words="the reply to a mutating request does not show its device")
            return
        known = self._known.get(shown["id"])
        if known is None or shown["id"] != request["device"] or shown["id"] not in self._here:
            yield Finding(rule="LOG051", seq=seq, words=f"{shown['id']} is not the device the request went to")
            return
        if _identity(shown) != _identity(known):
            yield Finding(rule="LOG051", seq=seq, words=f"{shown['id']} is another device than before")
        if not mutates or decided:
            if shown != known:
                yield Finding(
                    rule="LOG050", seq=seq, words=f"{shown['id']} changed with a request that changes nothing"
                )
        elif waits is not None and not (
            _advanced(waits.before, shown, still=refused, tries=waits.tries) and _no_earlier(known, shown)
        ):
            words = f"{shown['id']} went from {_place(waits.before)} to {_place(shown)} with one request"
            yield Finding(rule="LOG050", seq=seq, words=words)
        self._known[shown["id"]] = shown

    def ended(self, shown: list[dict[str, Any]], seq: int, *, unknown: bool = False) -> Iterator[Finding]:
        """Check that at the end of a sitting, or its part, every device is in exactly the state of its last reply.

        LOG051: all of the sitting are there. LOG050: each stands where the log left it, or has gone on by its request
        that waits; where the sitting ends because something is `unknown`, LOG088 instead, unless people resolve it.
        """
        if [device["id"] for device in shown] != self._here:
            yield Finding(rule="LOG051", seq=seq, words="the devices at the end are not those of the beginning")
        for device in shown:
            known = self._known.get(device["id"], device)
            if not self._explained(known, device):
                if unknown:
                    self._unexplained(known, device, seq)
                else:
                    words = f"it stood at {_place(known)}, now {_place(device)}"
                    yield Finding(rule="LOG050", seq=seq, words=f"{device['id']} was used beside the record: {words}")
            self._known[device["id"]] = device

    def resolved(self, decision: str) -> None:
        """Take it that people decided what the request that waits counts as."""
        self.uncertain, self.perhaps = {}, False
        self._happened = decision == "happened"
        if not self._happened:
            self._waits = None

    def completed(self, seq: int) -> Iterator[Finding]:
        """LOG052: when the ceremony is complete, every device is as the plan ends."""
        for device in self._known.values():
            yield from _as_planned(device, self._plan.ends_with, "ends", seq)


def _as_planned(device: Device, states: tuple[State, ...], verb: str, seq: int) -> Iterator[Finding]:
    now = device["inventory"]
    for state in states:
        if state.device != device["id"]:
            continue
        if state.mode not in (None, now["mode"]):
            words = f"{device['id']} is in {now['mode']} mode, and the plan {verb} in {state.mode}"
            yield Finding(rule="LOG052", seq=seq, words=words)
        if state.world not in (None, "any") and (state.world == "none") is not (now["world"] == ""):
            found = "a" if now["world"] else "no"
            words = f"{device['id']} holds {found} Security World, and the plan {verb} with {state.world}"
            yield Finding(rule="LOG052", seq=seq, words=words)


def _identity(device: Device) -> tuple[str, str]:
    return device["backend"], device["serial"]


def _advanced(before: Device, after: Device, *, still: bool, tries: bool) -> bool:
    receipts = after["audit"]["size"] - before["audit"]["size"]
    same = after["audit"]["head"] == before["audit"]["head"]
    if receipts == 0:
        return still and same
    return (receipts == 1 or (tries and receipts > 1)) and not same


def _no_earlier(known: Device, shown: Device) -> bool:
    """Say whether a device did not go back behind what it showed since its request was written."""
    sizes = known["audit"]["size"], shown["audit"]["size"]
    return bool(sizes[0] < sizes[1] or (sizes[0] == sizes[1] and known["audit"]["head"] == shown["audit"]["head"]))


def _place(device: Device) -> str:
    return f"{device['audit']['size']} ({device['audit']['head'][:8]})"
