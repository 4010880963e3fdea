"""What is looked at before a live ceremony opens: dates, room on the disk, people, plan, things, devices, clock.

What can be refused without asking anybody comes first. Nothing is written here; what people let pass is returned, to
become entries of the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from runner.document.control_rules import SIGN_OFF, ended_words
from runner.errors import ControlFault, WrongUse
from runner.exchange import VAULT, Need
from runner.host.company import ALWAYS, Wrong
from runner.host.console import grouped
from runner.host.gathering import Gathering
from runner.spoken import hear, unlike, word_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.backends.interface import DeviceReport
    from runner.host.clock import Clock
    from runner.host.console import Console
    from runner.host.live import LiveRoom
    from runner.plan import CheckedPlan, Plan

OVERDUE: Final = "RUN010"
OUT_OF_FORCE: Final = "REG007"
MISSING: Final = "RUN016"
NO_SPACE: Final = "RUN030"

TYPED_BACK: Final = 8
"""How many of the 32 words of the plan's digest are typed back: a line of them, 64 bits, is more than anybody forges
for a plan that people also read."""


class Situation(Struct, frozen=True, kw_only=True):
    """What the machine says of itself and the plan before people are asked.

    Attributes:
        today: the UTC date, `2026-11-25`.
        out_of_force: why the plan's edition is no longer the one to follow (`runner.document.editions`); "" where it
            is, and in a rehearsal.
        devices: what each device here says of itself.
        free: bytes left on the disk of the record.
        needed: bytes the ceremony may need.
        software: digest of the runner, hex.
    """

    today: str
    out_of_force: str
    devices: tuple[DeviceReport, ...]
    free: int
    needed: int
    software: str


class LetPass(Struct, frozen=True, kw_only=True):
    """A rule that people let pass before the start: about what, who, and why."""

    rule: str
    about: str
    people: tuple[str, ...]
    reason: str


class Ready(Struct, frozen=True, kw_only=True):
    """The ceremony may open. Who is here stands in the room's next `arrivals`."""

    exceptions: tuple[LetPass, ...]


def preflight(room: LiveRoom, console: Console, checked: CheckedPlan, found: Situation, clock: Clock) -> Ready:
    """Go through everything before the start, in this order.

    1. Refuse what nobody here may let pass: a review that is overdue, an edition out of force, a waiver of signatures
       that has ended, a disk that is full.
    2. Attendance.
    3. The plan's digest is read aloud from people's own copy; the first line of it is typed back.
    4. What the plan's `exceptions` let people decide about 1.
    5. The inventory, thing by thing.
    6. The devices, by the serial that is printed on them.
    7. The clock, against a watch. The software's digest is shown.

    Raises:
        ControlFault: RUN010, REG007 or RUN016, and it was not let pass; QUO012.
        WrongUse: RUN030, there is too little room on the disk.
        StopAsked: people asked to stop, or gave three wrong answers.
    """
    plan = checked.plan
    faults = stale(plan, found)
    for rule, words in faults:
        if not may_pass(plan, rule):
            raise ControlFault(words, rule=rule)
    require_space(found.free, found.needed)
    room.attend()
    _compare_plan(room, console, checked.sha256)
    passed = [_let_pass(room, console, plan, rule, words) for rule, words in faults]
    passed += _inventory(room, console, plan)
    _devices(room, console, found.devices)
    _clock(room, console, clock)
    console.tell(f"\nSoftware: {grouped(found.software)}\nFree: {found.free} bytes; needed: {found.needed}.")
    return Ready(exceptions=tuple(passed))


def require_space(free: int, needed: int) -> None:
    """Return if there is room on the disk, both in bytes.

    Raises:
        WrongUse: RUN030.
    """
    if free < needed:
        raise WrongUse(f"the ceremony may need {needed} bytes and {free} are left", rule=NO_SPACE)


def look_again(
    room: LiveRoom, console: Console, *, new: Sequence[DeviceReport], handed: str | None, clock: Clock
) -> None:
    """Go through what a later sitting looks at: people are here already or not, and the machine may be another.

    1. Attendance.
    2. After a hand-over, the head of the log against what was written down.
    3. The devices that the log does not know yet, by the serial that is printed on them.
    4. The clock, against a watch.

    Args:
        room: the people.
        console: their terminal.
        new: what each device says of itself that is in the log for the first time now.
        handed: the leaf hash of the last entry, hex, where that was a hand-over; else None.
        clock: of this machine.

    Raises:
        StopAsked: people asked to stop, or gave three wrong answers.
    """
    room.attend()
    if handed is not None:
        compare_head(room, console, handed)
    _devices(room, console, new)
    _clock(room, console, clock)


def stale(plan: Plan, found: Situation) -> tuple[tuple[str, str], ...]:
    """Return what has become too old to start with and is not waived in the plan, or no longer: rules, with words."""
    faults: list[tuple[str, str]] = []
    if plan.ceremony.review_by < found.today:
        faults.append((OVERDUE, f"the playbook was to be reviewed by {plan.ceremony.review_by}"))
    if found.out_of_force:
        faults.append((OUT_OF_FORCE, found.out_of_force))
    faults = [(rule, words) for rule, words in faults if not waived(plan, rule, found.today)]
    for item in plan.waivers:  # the weaker sign-off that it allowed stands in the plan
        if item.rule == SIGN_OFF and item.until is not None and item.until < found.today:
            faults.append((SIGN_OFF, ended_words(SIGN_OFF, item.step, item.until)))
    return tuple(faults)


def waived(plan: Plan, rule: str, today: str) -> bool:
    """Say whether a rule is waived for the whole plan, on this day."""
    return any(
        item.rule == rule and item.step is None and (item.until is None or item.until >= today) for item in plan.waivers
    )


def may_pass(plan: Plan, rule: str) -> bool:
    """Say whether the plan lets people in the room decide about a rule."""
    return any(item.rule == rule for item in plan.exceptions)


def _let_pass(room: LiveRoom, console: Console, plan: Plan, rule: str, about: str) -> LetPass:
    """Let as many people of the role as the plan says let something pass; who does not want it types `stop`."""
    allowed = next((item for item in plan.exceptions if item.rule == rule), None)
    if allowed is None:
        raise ControlFault(about, rule=rule)
    console.tell(f"\n{rule}: {about}.\nIt passes if {allowed.people} {allowed.role} let it; `stop` ends here.")
    need = Need(role=allowed.role, count=allowed.people, holders_of=None)
    people = Gathering(room.company, (need,), words=ALWAYS).run()
    return LetPass(rule=rule, about=about, people=tuple(one.person for one in people), reason=room.company.reason())


def _compare_plan(room: LiveRoom, console: Console, sha256: str) -> None:
    """Have the first line of words typed from people's own copy before the screen shows any of them."""
    digest = bytes.fromhex(sha256)[:TYPED_BACK]

    def judge(typed: str) -> bool | Wrong:
        slip = hear(typed, digest)
        return True if slip is None else Wrong(words=slip.words)

    console.tell("\nThe plan. Somebody reads the words of its digest aloud from the approved copy on paper.")
    room.company.ask(f"Another types the first {TYPED_BACK} of them:", judge)
    lines = "\n".join(f"  {line}" for line in word_lines(sha256))
    console.tell(f"It is the same plan. All of it, for everybody to compare:\n{lines}\n  {grouped(sha256)}")


def compare_head(room: LiveRoom, console: Console, head: str) -> None:
    """After a hand-over: see that the head of the log is the one that was written down when it was handed over.

    Args:
        room: the people, after the attendance.
        console: their terminal.
        head: the leaf hash of the last entry, hex.

    Raises:
        StopAsked: three wrong answers in a row, or people asked to stop.
    """
    digest = bytes.fromhex(head)[:TYPED_BACK]

    def judge(typed: str) -> bool | Wrong:
        slip = hear(typed, digest)
        return True if slip is None else Wrong(words=slip.words)

    console.tell(
        "\nThe log was handed over. Somebody reads the words of its head aloud, as they were written down there."
    )
    room.company.ask(f"Another types the first {TYPED_BACK} of them:", judge)
    lines = "\n".join(f"  {line}" for line in word_lines(head))
    console.tell(f"It is the log that was handed over:\n{lines}\n  {grouped(head)}")


def _inventory(room: LiveRoom, console: Console, plan: Plan) -> list[LetPass]:
    if not plan.inventory:
        return []
    answers = {"here": True, "missing": False}

    def judge(typed: str) -> bool | Wrong:
        return answers.get(typed.casefold(), Wrong(words="type `here` or `missing`"))

    console.tell("\nInventory: look at each thing, then type `here` or `missing`.")
    missing: list[str] = []
    for number, item in enumerate(plan.inventory, 1):
        what = f"{item.count} x {item.item}"
        if not room.company.ask(f"{number} of {len(plan.inventory)}: {what}:", judge):
            missing.append(what)
    if missing and not may_pass(plan, MISSING):
        raise ControlFault(f"missing: {'; '.join(missing)}", rule=MISSING)
    return [_let_pass(room, console, plan, MISSING, f"missing: {what}") for what in missing]


def _devices(room: LiveRoom, console: Console, devices: Sequence[DeviceReport]) -> None:
    for device in devices:
        lines = [
            f"\nDevice {device.id}, {device.backend}",
            f"  mode:  {device.inventory.mode}",
            f"  world: {device.inventory.world or 'none'}",
            f"  keys:  {len(device.inventory.keys)}; cards: {len(device.inventory.cards)}",
            f"  audit: {device.audit.size} receipts, head {grouped(device.audit.head)}",
        ]
        console.tell("\n".join(lines))
        if device.id == VAULT:
            console.tell(f"  serial: {device.serial}")
            continue

        def judge(typed: str, serial: str = device.serial) -> bool | Wrong:
            slip = unlike(typed, serial)
            return True if slip is None else Wrong(words=f"the device says otherwise: {slip.words}")

        room.company.ask("Type the serial number that is printed on it:", judge)


def _clock(room: LiveRoom, console: Console, clock: Clock) -> None:
    def judge(typed: str) -> bool | Wrong:
        if typed.casefold() == "agrees":
            return True
        return Wrong(words="type `agrees`; where it does not, `stop`, set the clock, and begin again")

    console.tell(f"\nThe clock says {clock.now()[:19].replace('T', ' ')} UTC. Compare it with a watch.")
    room.company.ask("Type `agrees` if it does, to the minute:", judge)
