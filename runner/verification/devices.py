"""Each device's own audit log as the record shows it: it moves with the requests of the record and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.verification.verdict import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator


class Devices:
    """Follows every device from the opening on. What it shows is kept as the record gives it."""

    def __init__(self, shown: list[dict[str, Any]]) -> None:
        self._known: dict[str, dict[str, Any]] = {device["id"]: device for device in shown}

    @property
    def ids(self) -> frozenset[str]:
        """The devices with an audit log of their own."""
        return frozenset(self._known)

    def replied(
        self, shown: dict[str, Any] | None, request: dict[str, Any], *, refused: bool, seq: int
    ) -> Iterator[Finding]:
        """Take what a device shows with a reply.

        LOG050: with a mutating request that was done, its audit advanced by one receipt, or by more where card holders
        try their PINs, each try being one; with any other request it stands where it stood. LOG051: it is the device
        the request went to, with the identity it had at the opening.

        Args:
            shown: the device in the reply.
            request: the data of the request's entry.
            refused: whether the reply is a refusal, after which the audit may stand where it stood.
            seq: the reply's entry.
        """
        mutates, tries = request["mutates"], "holders" in request["request"]
        if shown is None:
            if mutates:
                yield Finding(rule="LOG051", seq=seq, words="the reply to a mutating request does not show its device")
            return
        known = self._known.get(shown["id"])
        if known is None or shown["id"] != request["device"]:
            yield Finding(rule="LOG051", seq=seq, words=f"{shown['id']} is not the device the request went to")
            return
        if (shown["backend"], shown["serial"]) != (known["backend"], known["serial"]):
            yield Finding(rule="LOG051", seq=seq, words=f"{shown['id']} is another device than at the opening")
        if mutates and not _advanced(known["audit"], shown["audit"], still=refused, tries=tries):
            words = f"{shown['id']} went from {_place(known)} to {_place(shown)} with one request"
            yield Finding(rule="LOG050", seq=seq, words=words)
        if not mutates and shown != known:
            yield Finding(rule="LOG050", seq=seq, words=f"{shown['id']} changed with a request that changes nothing")
        self._known[shown["id"]] = shown

    def ended(self, shown: list[dict[str, Any]], seq: int) -> Iterator[Finding]:
        """LOG050, LOG051: at the end every device is there, in exactly the state of its last logged reply."""
        if [device["id"] for device in shown] != sorted(self._known):
            yield Finding(rule="LOG051", seq=seq, words="the devices at the end are not those of the opening")
        for device in shown:
            known = self._known.get(device["id"], device)
            if device != known:
                words = f"{device['id']} was used beside the record: it stood at {_place(known)}, now {_place(device)}"
                yield Finding(rule="LOG050", seq=seq, words=words)


def _advanced(before: dict[str, Any], after: dict[str, Any], *, still: bool, tries: bool) -> bool:
    receipts = after["size"] - before["size"]
    if receipts == 0:
        return still and bool(after["head"] == before["head"])
    return (receipts == 1 or (tries and receipts > 1)) and bool(after["head"] != before["head"])


def _place(device: dict[str, Any]) -> str:
    return f"{device['audit']['size']} ({device['audit']['head'][:8]})"
