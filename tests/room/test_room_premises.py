"""What a machine has in the room: found by serial, opened only once everything is there, closed on every path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from room_bench import plan, room, step

from runner.backends.emulator.region import make_vault
from runner.backends.emulator.setting_up import make_hsm
from runner.document.environment import Environment
from runner.errors import CeremonyError, WrongUse
from runner.exchange import CreateWorld, FileArrived, Holder, SetMode, WorldCreated
from runner.host.disk import Disk
from runner.host.premises import Premises, find
from runner.plan import AllowedRequest, Medium

if TYPE_CHECKING:
    from pathlib import Path

    from runner.plan import Plan

SERIAL = "SIM0-0000-0001"
MEDIA = (
    Medium(id="usb", title="Drive", at="online", free=None, keeps="carried"),
    Medium(id="backup", title="Disk", at="offline", free=None, keeps="backup"),
)


def wanted() -> Plan:
    """A plan whose online station carries to the offline one and asks the vault."""
    carry = step("carry", station="online", action="carry_media@1", settings={"medium": "usb", "to": "offline"})
    keep = step("keep", action="back_up@1", settings={"medium": "backup"})
    asking = AllowedRequest(kind="import_key", mutates=True, least=1, most=1)
    return plan(media=MEDIA, steps=(carry, keep, step("import", station="online", requests=(asking,))))


def environment(stations: tuple[str, ...] = ("online", "offline"), **changes: Any) -> Environment:
    written: dict[str, Any] = {
        "format": "environment/1",
        "id": "here",
        "stations": list(stations),
        "devices": {"hsm": {"backend": "emulator", "serial": SERIAL}},
        "media": {"usb": {"folder": "media/usb"}, "backup": {"folder": "media/backup"}},
    }
    return Environment.model_validate(written | changes)


def module(base: Path, name: str, serial: str = SERIAL) -> None:
    make_hsm(base / "devices" / name, serial=serial, cards=[f"SIM-CARD-000{n}" for n in (1, 2, 3)])


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A machine that has everything, and another device beside."""
    module(tmp_path, "hsm", "SIM0-0000-0002")  # the name says nothing
    module(tmp_path, "another")
    make_vault(tmp_path / "vaults" / "eu", "eu")
    for medium in ("usb", "backup"):
        (tmp_path / "media" / medium).mkdir(parents=True)
    return tmp_path


def contents(base: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in base.rglob("*")}


def open_(base: Path, here: Environment | None = None, made: Plan | None = None) -> Premises:
    people, _ = room()
    return Premises.open(
        Disk(), here or environment(), made or wanted(), base=base, sha256="ab" * 32, dialogue=people.cards
    )


def refusal(base: Path, here: Environment | None = None, made: Plan | None = None) -> WrongUse:
    """The refusal, which changed nothing and opened nothing."""
    before = contents(base)
    with pytest.raises(WrongUse) as caught:
        open_(base, here, made)
    assert contents(base) == before
    return caught.value


def test_everything_is_found_and_open(base: Path) -> None:
    with open_(base) as here:
        assert here.played == ("online", "offline")
        assert here.hsms["hsm"].report().serial == SERIAL
        assert here.vault is not None
        assert here.vault.report().serial == "SIMULATED-eu"
        assert here.environment_sha256 == "ab" * 32
        assert isinstance(here.stations.write_new("online", "x.txt", b"x"), FileArrived)
        assert here.stations.path("online", "x.txt") == base / "work" / "online" / "x.txt"


def test_looking_changes_nothing(base: Path) -> None:
    before = contents(base)
    found = find(Disk(), environment(), wanted(), base=base)
    assert found.devices == {"hsm": (base / "devices" / "another", SERIAL)}
    assert found.vault == base / "vaults" / "eu"
    assert contents(base) == before


def test_it_is_closed_whatever_happens(base: Path) -> None:
    with pytest.raises(KeyError), open_(base):
        raise KeyError
    with open_(base) as here:
        assert here.hsms["hsm"].report().serial == SERIAL


def test_a_machine_that_plays_one_station_needs_what_that_one_has(tmp_path: Path) -> None:
    module(tmp_path, "one")
    (tmp_path / "media/backup").mkdir(parents=True)
    with open_(tmp_path, environment(("offline",))) as here:
        assert here.played == ("offline",)
        assert here.vault is None
    (tmp_path / "other").mkdir()
    make_vault(tmp_path / "other/vaults/eu", "eu")
    (tmp_path / "other/media/usb").mkdir(parents=True)
    with open_(tmp_path / "other", environment(("online",))) as here:
        assert here.hsms == {}
        assert here.vault is not None


def test_no_device_with_the_serial(base: Path) -> None:
    here = environment(devices={"hsm": {"backend": "emulator", "serial": "SIM0-0000-0003"}})
    fault = refusal(base, here)
    assert (fault.rule, fault.exit_code) == ("DEV002", 2)
    assert fault.words.startswith("no device below")


def test_two_devices_with_the_serial(base: Path) -> None:
    module(base, "twin")
    fault = refusal(base)
    assert fault.rule == "DEV002"
    assert fault.words.startswith("2 devices below")


def test_no_devices_at_all(tmp_path: Path) -> None:
    assert refusal(tmp_path).rule == "DEV002"


def test_a_device_that_the_environment_does_not_name(base: Path) -> None:
    fault = refusal(base, environment(devices={}))
    assert (fault.rule, fault.words) == ("DEV002", "the environment here does not say which device hsm is")


def test_no_vault(base: Path) -> None:
    (base / "vaults" / "eu").rename(base / "vaults" / "na")
    fault = refusal(base)
    assert fault.rule == "DEV002"
    assert "step import asks the vault of eu" in fault.words


def test_a_medium_that_is_not_named(base: Path) -> None:
    for missing, by in (("usb", "carry"), ("backup", "keep")):
        others = {medium.id: {"folder": medium.id} for medium in MEDIA if medium.id != missing}
        for other in others:
            (base / other).mkdir()
        assert f"step {by} needs the medium {missing}" in refusal(base, environment(media=others)).words


def test_who_receives_a_medium_needs_it_too(base: Path) -> None:
    others = {"backup": {"folder": "media/backup"}}
    fault = refusal(base, environment(("offline",), media=others))
    assert "step carry needs the medium usb" in fault.words


def test_a_medium_that_is_not_attached(base: Path) -> None:
    (base / "media" / "usb").rmdir()
    assert refusal(base).rule == "RUN030"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stations": ["online", "cellar"]}, "has the station cellar, and the plan has offline, online"),
        ({"devices": {"other": {"backend": "emulator", "serial": SERIAL}}}, "has the device other"),
        ({"media": {"tape": {"folder": "tape"}}}, "has the medium tape"),
    ],
)
def test_an_environment_of_another_ceremony(base: Path, changes: dict[str, Any], words: str) -> None:
    assert words in refusal(base, environment(**changes)).words


def test_where_one_device_cannot_be_opened_the_others_are_let_go(base: Path) -> None:
    first = wanted().devices[0]
    two = plan(devices=(first, type(first)(id="spare", kind="nshield", at="offline")))
    devices = {
        "hsm": {"backend": "emulator", "serial": SERIAL},
        "spare": {"backend": "emulator", "serial": "SIM0-0000-0002"},
    }
    here = environment(devices=devices, media={})
    nv = base / "devices/hsm/silicon/SIM0-0000-0002/nv"
    genuine = nv.read_bytes()
    nv.write_bytes(b"damaged")
    with pytest.raises(Exception, match="nv") as caught:
        open_(base, here, two)
    nv.write_bytes(genuine)
    assert caught.tb is not None  # while it is held, nothing of the failed attempt is let go by chance
    with open_(base, here, two) as opened:
        assert sorted(opened.hsms) == ["hsm", "spare"]


def test_people_and_device_make_a_card_set_together(base: Path) -> None:
    cards = [["SIM-CARD-0009", "SIM-CARD-0001"], ["SIM-CARD-0001", "SIM-CARD-0002"], ["SIM-CARD-0003"]]
    pins = [["canary-1", "canary-x", "canary-1", "canary-1"], ["canary-2"] * 2, ["canary-3"] * 2]
    people, console = room(*(typed for card, pin in zip(cards, pins, strict=True) for typed in (*card, *pin)))
    request = CreateWorld(
        device="hsm",
        cipher_suite="DLf3072s256mRijndael",
        card_set="acs",
        threshold=2,
        cards=3,
        holders=tuple(Holder(person=person, number=n) for n, person in enumerate(("ada", "ben", "cem"), 1)),
    )
    with Premises.open(Disk(), environment(), wanted(), base=base, sha256="ab" * 32, dialogue=people.cards) as here:
        hsm = here.hsms["hsm"]
        hsm.set_mode(SetMode(device="hsm", mode="initialization"), "mode")
        made = hsm.create_world(request, "world")
    assert isinstance(made, WorldCreated)
    assert [card.serial for card in made.cards] == ["SIM-CARD-0001", "SIM-CARD-0002", "SIM-CARD-0003"]
    assert console.script == []
    assert "The device says: there is no card SIM-CARD-0009" in console.told
    assert any(line.startswith("The device says: card SIM-CARD-0001 is not blank") for line in console.told)
    assert "canary" not in console.shown + repr(made)


def test_a_device_that_is_in_use(base: Path) -> None:
    with open_(base), pytest.raises(CeremonyError) as caught:
        open_(base)
    assert caught.value.rule == "DEV002"
