"""A live sitting: the machine's premises and the people at its terminal, put together for one ceremony."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from runner.backends.emulator.answers import NAME
from runner.canonical import file_digest
from runner.document.environment import parse_environment
from runner.document.source import read_source
from runner.errors import PlaybookFault
from runner.host.clock import SystemClock
from runner.host.live import LiveRoom
from runner.host.premises import Premises
from runner.host.record import Signers, roster_signers
from runner.host.simulated import simulated_list
from runner.host.sitting import Means
from runner.host.sshkeygen import agent_key, sign
from runner.plan import published
from runner.verification.reading import ShapeError
from runner.verification.signatures import check_signature, read_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from runner.document.environment import Environment
    from runner.document.findings import Finding
    from runner.document.source import Source
    from runner.host.clock import Clock
    from runner.host.disk import Disk
    from runner.host.session import Watch
    from runner.host.terminal import Terminal
    from runner.plan import Plan, TrustList

SPACE: Final = 64_000_000
"""Bytes a ceremony may need on the disk."""


class Room(Struct, frozen=True, kw_only=True):
    """What a live sitting has: its people, its premises, and both as means of a sitting."""

    people: LiveRoom
    premises: Premises
    means: Means


class Place(Struct, frozen=True, kw_only=True):
    """An environment file as it was read: what it says, its folder, its digest."""

    environment: Environment
    base: Path
    sha256: str


def read_environment(disk: Disk, path: Path) -> tuple[Place | None, tuple[Finding, ...], Source]:
    """Return what an environment file says, or None with what is wrong in it.

    Raises:
        WrongUse: there is no such file.
    """
    content = disk.read(path)
    parsed = parse_environment(read_source(str(path), content))
    if parsed.value is None:
        return None, parsed.findings, parsed.source
    place = Place(environment=parsed.value, base=path.absolute().parent, sha256=file_digest(content))
    return place, (), parsed.source


def signer(disk: Disk, place: Place, signers: Signers) -> Callable[[str, str, bytes], bytes]:
    """Return what makes a person's signature through `ssh-keygen`, and sees that it is theirs."""

    def signed(person: str, namespace: str, text: bytes) -> bytes:
        public = signers.keys.get(person, "")
        own = place.environment.keys.get(person)
        if own is not None:
            signature = sign(place.base / own, namespace=namespace, message=text)
        else:
            with agent_key(disk, public) as key:
                signature = sign(key, namespace=namespace, message=text)
        try:
            check_signature(signature, text, namespace=namespace, key=read_key(public))
        except ShapeError as error:
            raise PlaybookFault(f"it was made with another key than {person} has in the plan ({error})") from None
        return signature

    return signed


@contextmanager
def live_room(
    disk: Disk,
    terminal: Terminal,
    place: Place,
    plan: Plan,
    *,
    watch: Watch,
    signers: Signers | None = None,
    present: frozenset[str] = frozenset(),
    instead: Mapping[str, str] | None = None,
    on_break: bool = False,
    clock: Clock | None = None,
) -> Iterator[Room]:
    """Open the premises with the people at the terminal; closed on every path.

    Raises:
        WrongUse: DEV002 and the like; nothing was opened.
    """
    people = LiveRoom(
        terminal,
        plan,
        signer=signer(disk, place, signers or roster_signers(plan)),
        present=present,
        instead=instead or {},
        on_break=on_break,
        card_minutes=place.environment.waits.card_minutes,
    )
    with Premises.open(
        disk, place.environment, plan, base=place.base, sha256=place.sha256, dialogue=people.cards
    ) as premises:
        means = Means(
            disk=disk,
            clock=clock or SystemClock(),
            draw=secrets.token_bytes,
            room=people,
            stations=premises.stations,
            hsms=premises.hsms,
            vault=premises.vault,
            played=premises.played,
            environment_sha256=premises.environment_sha256,
            watch=watch,
        )
        yield Room(people=people, premises=premises, means=means)


def is_rehearsal(place: Place) -> bool:
    """Say whether anything in a place is simulated: then the ceremony is a rehearsal, whoever acts in it.

    A place without a device has the publisher and the vault, and `Premises` knows only those of the emulator.
    """
    devices = place.environment.devices.values()
    return not devices or any(device.backend == NAME for device in devices)


def trust_of(plan: Plan, *, rehearsal: bool) -> TrustList:
    """Return the list that a ceremony compares with."""
    return simulated_list(plan) if rehearsal else published(plan)
