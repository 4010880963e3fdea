"""The people of a scripted rehearsal: their cards, PINs and keys, what they answer, and the values they compare with.

Nobody of the roster is in a rehearsal, so the whole list of keys is simulated, as the whole trust list is. The private
halves and the PINs open nothing that is genuine; they lie in `RECORD.sim/people.json` so that a rehearsal that broke
off can go on.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from runner import canonical
from runner.backends.emulator.region import has_region, simulated_trust
from runner.backends.interface import Secret
from runner.codec import to_data
from runner.errors import ControlFault, PlaybookFault
from runner.exchange import Need
from runner.host.approvals import prepare
from runner.host.record import Signers
from runner.host.simulated_slot import SimulatedCard
from runner.plan import APPROVAL_DAYS, trust_list
from runner.quorum import fill
from runner.signing.manifest import Terms
from runner.signing.signers import APPROVE
from runner.signing.sshsig import SimulatedSigner

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.audit.note import LogKey
    from runner.host.approvals import Approved
    from runner.plan import CheckedPlan, Plan, TrustList

PEOPLE: Final = "people.json"
"""The file of a room that holds who plays in it."""

_PIN_DIGITS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who plays in a rehearsal: the cards with their PINs, a seed of a key for each person, answers, who stays away."""

    cards: tuple[SimulatedCard, ...]
    seeds: Mapping[str, bytes] = field(repr=False)
    answers: Mapping[tuple[str, str], str]
    absent: frozenset[str]

    def signer(self, person: str) -> SimulatedSigner:
        """Return the key of a person."""
        return SimulatedSigner.from_seed(self.seeds[person])

    def signers(self) -> Signers:
        """Return everybody's public key."""
        return Signers(list="simulated", keys={person: self.signer(person).public for person in self.seeds})

    def file(self) -> bytes:
        """Return people.json."""
        return canonical.encode(
            {
                "notice": "SIMULATED people of a rehearsal; these PINs and keys open nothing that is genuine",
                "cards": [
                    {
                        "person": card.person,
                        "set": card.set,
                        "number": card.number,
                        "serial": card.serial,
                        "pin": card.pin.reveal(),
                    }
                    for card in self.cards
                ],
                "seeds": [
                    {"person": person, "seed": base64.b64encode(seed).decode()}
                    for person, seed in sorted(self.seeds.items())
                ],
                "answers": [
                    {"step": step, "name": name, "value": value} for (step, name), value in sorted(self.answers.items())
                ],
                "absent": sorted(self.absent),
            }
        )


def cast(
    plan: Plan,
    *,
    answers: Mapping[tuple[str, str], str],
    absent: frozenset[str],
    draw: Callable[[int], bytes],
    left: tuple[SimulatedCard, ...] = (),
) -> Cast:
    """Return a card for every card somebody of the plan holds, and a key for everybody.

    A card is the one of that set and number in `left`, which an earlier rehearsal left, with its PIN; else a blank one
    with a random PIN.
    """
    held = sorted((one.set, one.number, person.id) for person in plan.people for one in person.cards)
    known = {(card.set, card.number): card for card in left}
    taken = {card.serial for card in left}
    fresh = (serial for serial in map("SIM-CARD-{:04d}".format, count(1)) if serial not in taken)
    return Cast(
        cards=tuple(
            replace(known[card_set, number], person=person)
            if (card_set, number) in known
            else SimulatedCard(set=card_set, number=number, person=person, serial=next(fresh), pin=Secret(_pin(draw)))
            for card_set, number, person in held
        ),
        seeds={person.id: draw(32) for person in plan.people},
        answers=answers,
        absent=absent,
    )


def read_cast(content: bytes) -> Cast:
    """Return the people of a people.json that this program wrote."""
    data: dict[str, Any] = json.loads(content)
    return Cast(
        cards=tuple(
            SimulatedCard(
                set=card["set"],
                number=card["number"],
                person=card["person"],
                serial=card["serial"],
                pin=Secret(card["pin"]),
            )
            for card in data["cards"]
        ),
        seeds={item["person"]: base64.b64decode(item["seed"]) for item in data["seeds"]},
        answers={(item["step"], item["name"]): item["value"] for item in data["answers"]},
        absent=frozenset(data["absent"]),
    )


def _pin(draw: Callable[[int], bytes]) -> str:
    return f"{int.from_bytes(draw(8)) % 10**_PIN_DIGITS:0{_PIN_DIGITS}d}"


def simulated_list(plan: Plan) -> TrustList:
    """Return the fixed simulated list for a plan: every entry of the plan's, each with the simulated value.

    Raises:
        PlaybookFault: SEC001, the emulator has no value for an entry, or does not simulate the region.
    """
    if not plan.trust:
        return trust_list("simulated", {})
    if plan.region is None or not has_region(plan.region):
        raise PlaybookFault(f"the emulator does not simulate the region {plan.region}", rule="SEC001")
    values = simulated_trust(plan.region)
    names = {item.name for item in plan.trust}
    if missing := sorted(names - values.keys()):
        raise PlaybookFault(f"there is no simulated value for {', '.join(missing)}", rule="SEC001")
    return trust_list("simulated", {name: values[name] for name in names})


def approve(
    checked: CheckedPlan, cast_: Cast, *, approval: str, day: str, until: str, software: Mapping[str, str]
) -> Approved:
    """Return the approval of a plan by simulated approvers: as many as it wants, in process.

    Raises:
        ControlFault: RUN017, the roster has too few approvers.
    """
    plan = checked.plan
    terms = Terms(
        approval=approval,
        not_before=day,
        not_after=until,
        software=software["bundle_sha256"],
        version=software["version"],
    )
    unsigned = prepare(checked, terms)
    needs = tuple(Need(role=item.role, count=item.count, holders_of=None) for item in plan.approvals.plan)
    people = [person for person in plan.people if person.id not in cast_.absent]
    approvers = fill(people, needs)
    if approvers is None:
        raise ControlFault("the roster has too few people to approve the plan", rule="RUN017")
    signatures = {person: cast_.signer(person).sign(APPROVE, unsigned.manifest) for person in sorted(approvers)}
    return replace(unsigned, signatures=signatures)


def trust_file(checked: CheckedPlan, trust: TrustList, vkey: str, signers: Signers | None = None) -> bytes:
    """Return what an auditor would bring from outside: with simulated signers their keys, else the plan has them.

    `vkey` is the log key of the first sitting.
    """
    people = {} if signers is None else signers.keys
    simulated = trust.list == "simulated"
    return canonical.encode(
        {
            "format": "trust/1",
            "origin": vkey.partition("+")[0],
            "log_keys": [vkey],
            "plan_sha256": checked.sha256,
            "people": [{"person": person, "key": public} for person, public in sorted(people.items())],
            "trust_lists": [{"list": trust.list, "values": to_data(trust.values)}] if simulated else [],
        }
    )


def trust_also(content: bytes, key: LogKey) -> bytes:
    """Return a trust file that this program wrote, with one more log key in it."""
    trust: dict[str, Any] = json.loads(content)
    return canonical.encode({**trust, "log_keys": [*trust["log_keys"], key.vkey]})


def days_after(day: str, days: int | None) -> str:
    """Return the last day of an approval that begins on a day."""
    return (date.fromisoformat(day) + timedelta(days=days or APPROVAL_DAYS)).isoformat()
