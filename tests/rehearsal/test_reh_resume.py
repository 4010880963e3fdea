"""Going on from the command line with a rehearsal that broke off or was suspended, and ending it for good."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest
import rehearsal_bench as bench
import sittings_bench as sittings
from crash_bench import once
from sittings_bench import Broken, is_entry

from runner.errors import Exit
from runner.host.disk import Disk, LogFile
from runner.host.logbook import Logbook
from runner.verification.verdict import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from sittings_bench import When


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    sittings.cheaply(monkeypatch)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Broken:
    """It died once the world was created, before anybody wrote that down."""
    with pytest.MonkeyPatch.context() as patch:
        sittings.cheaply(patch)
        return sittings.broken_off(
            patch, tmp_path_factory.mktemp("template"), before=is_entry("reply", kind="world_created")
        )


@pytest.fixture
def broken(template: Broken, tmp_path: Path) -> Broken:
    return template.copy(tmp_path)


@pytest.fixture(scope="module")
def template_done(template: Broken, tmp_path_factory: pytest.TempPathFactory) -> Broken:
    done = template.copy(tmp_path_factory.mktemp("done"))
    with pytest.MonkeyPatch.context() as patch:
        sittings.cheaply(patch)
        assert done.says("resume").code == 0
    return done


@pytest.fixture
def done(template_done: Broken, tmp_path: Path) -> Broken:
    return template_done.copy(tmp_path)


# -- broken off --------------------------------------------------------------------------------------------------------


def test_status_says_where_it_stands_and_changes_nothing(broken: Broken) -> None:
    before = broken.all()
    said = broken.status()
    entries = broken.left.entries()
    assert said["kind"] == "REHEARSAL, SIMULATED"
    assert said["sittings"] == "1"
    assert said["steps"] == "6 of 19 done"
    assert said["step"] == "create-world, attempt 1"
    assert said["state"].startswith("under way, or it broke off")
    assert said["waiting"] == f"entry {entries[-1].seq} has no reply; it changes a device"
    assert said["in the room"] == "deniz, emeka, freya, goran, hana"
    assert said["unsigned"].split()[0] == str(len(entries) - sittings.covered(entries))
    assert broken.all() == before


def test_it_goes_on_to_a_valid_record_of_two_sittings(broken: Broken) -> None:
    waiting = broken.left.entries()[-1]
    left = broken.says("resume")
    assert left.code == Exit.DONE, left.err[-400:]
    assert "REHEARSAL SIMULATED: VALID" in left.out
    verdict = left.verdict()
    assert verdict.outcome is Outcome.VALID, verdict.findings
    (sitting,) = [note for note in verdict.notes if note.startswith("sitting")]
    assert sitting.startswith(f"sitting 1 at online, offline from entry {waiting.seq + 1} on, the one before broke off")
    assert sitting.endswith("with 7 entries before it that no checkpoint covered")
    entries = left.entries()
    resumed = entries[waiting.seq + 1]
    assert resumed.type is sittings.RESUMED
    assert (resumed.data["sitting"], resumed.data["unsigned"]) == (1, 7)
    reply = next(entry for entry in entries[resumed.seq :] if entry.type.value == "reply")
    assert (reply.data["to"], reply.data["kind"]) == (waiting.seq, "world_created")
    recovery = [entry for entry in entries[resumed.seq : reply.seq] if entry.data.get("about") == "recovery"]
    assert [entry.data["person"] for entry in recovery] == ["deniz", "emeka", "freya", "goran", "hana"]
    assert len({entry.boot for entry in entries}) == 2
    assert sorted(path.name for path in (left.record / "keys").glob("*.vkey")) == ["log-0.vkey", "log-1.vkey"]
    assert once(left.record.parent)


PLACES: dict[str, tuple[When | None, When]] = {
    "right behind the opening": (None, is_entry("ceremony.opened")),
    "before anybody consented": (is_entry("attested"), sittings.never),
    "between two consents": (None, is_entry("attested", step="create-world", person="emeka", about="consent")),
    "before a device is asked": (is_entry("request", kind="generate_key"), sittings.never),
    "between two results": (None, is_entry("attested", step="seal-package", person="goran", about="result")),
    "with the result attested": (is_entry("step.done", step="seal-package"), sittings.never),
    "before the last entry": (is_entry("ceremony.closed"), sittings.never),
    "behind the last entry": (None, is_entry("ceremony.closed")),
}


@pytest.mark.parametrize("where", PLACES)
def test_wherever_it_broke_off_it_goes_on(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nobody attests twice to what they attested before."""
    before, after = PLACES[where]
    broken = sittings.broken_off(monkeypatch, tmp_path / "place", before=before, after=after)
    assert broken.left.verdict().outcome in (Outcome.OPEN, Outcome.INCOMPLETE)
    left = broken.says("resume")
    assert left.code == 0, left.err[-400:]
    verdict = left.verdict()
    assert verdict.outcome is Outcome.VALID, verdict.findings
    attested = [
        (entry.step, entry.data["person"], entry.data["about"])
        for entry in left.entries()
        if entry.type.value == "attested" and entry.data["about"] not in ("recovery", "close")
    ]
    assert len(attested) == len(set(attested))
    assert once(left.record.parent)


def test_it_may_break_off_again_and_again(broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in (is_entry("ceremony.resumed"), is_entry("attested", about="recovery"), is_entry("request")):
        sittings.killed(monkeypatch, lambda: broken.says("resume"), after=place)
    left = broken.says("resume")
    assert left.code == 0, left.err[-400:]
    assert left.verdict().outcome is Outcome.VALID
    assert broken.status()["sittings"] == "5"
    assert once(left.record.parent)


def test_it_may_break_off_between_its_closing_and_the_checkpoint_over_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever goes on breaks off too, with the torn checkpoint cut off and the next key made, and no entry yet."""
    broken = sittings.broken_off(monkeypatch, tmp_path / "place", after=is_entry("ceremony.closed"))
    with (broken.left.record / "log.jsonl").open("ab") as log:
        log.write(b'{"actors":[],"att')
    sittings.killed(
        monkeypatch, lambda: broken.says("resume"), before=is_entry("ceremony.resumed"), after=sittings.never
    )
    assert len([*(broken.left.record / "recovered").iterdir()]) == 1
    assert (broken.left.record / "keys" / "log-1.vkey").exists()
    verdict = broken.left.verdict()
    assert verdict.outcome is Outcome.INCOMPLETE, verdict.findings
    left = broken.says("resume")
    assert left.code == 0, left.err[-400:]
    verdict = left.verdict()
    assert verdict.outcome is Outcome.VALID, verdict.findings
    assert once(left.record.parent)


def test_a_torn_line_is_kept_and_named(broken: Broken) -> None:
    log = broken.record / "log.jsonl"
    size = log.stat().st_size
    log.write_bytes(log.read_bytes() + b'{"actors":[')
    assert broken.status()["step"] == "create-world, attempt 1"
    left = broken.says("resume")
    assert left.code == 0, left.err[-400:]
    assert left.verdict().outcome is Outcome.VALID
    recovered = sittings.only(left.entries(), "log.recovered")
    (kept,) = (left.record / "recovered").iterdir()
    assert (recovered.data["offset"], recovered.data["size"]) == (size, 11)
    assert kept.name == f"{size:010d}-{recovered.data['sha256']}.bin"


def test_a_process_that_was_killed_is_gone_on_with_in_another(tmp_path: Path) -> None:
    """The machine's own clock, randomness and processes; nothing of this process is in it."""
    record = tmp_path / "record"
    begun = bench.start("rehearse", "azure-byok", "--region", "eu", "--out", str(record))
    assert begun.stderr is not None
    for line in begun.stderr:
        if "[generate-key," in line:
            begun.send_signal(signal.SIGKILL)
            break
    assert bench.finish(begun, record).code == -signal.SIGKILL
    left = bench.finish(bench.start("resume", str(record)), record)
    assert left.code == 0, left.err[-400:]
    assert "VALID" in left.out
    assert left.verdict().outcome is Outcome.VALID
    assert sittings.last_sitting(left)[0].data["sitting"] == 1
    assert once(tmp_path)


# -- refused -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", [("resume",), ("abort", "--as", "goran", "--because", "enough")], ids=lambda c: c[0]
)
def test_what_is_over_stays_as_it_is(done: Broken, command: tuple[str, ...]) -> None:
    before = done.all()
    left = done.says(*command)
    assert left.code == Exit.WRONG_USE
    assert "is over: completed" in left.err
    assert done.all() == before
    assert done.status()["state"] == "over: completed"


@pytest.mark.parametrize("command", ["status", "resume", "abort", "resolve"])
def test_where_nothing_was_begun_nothing_is_gone_on_with(command: str, tmp_path: Path) -> None:
    more = {"abort": ("--as", "goran", "--because", "enough"), "resolve": ("--step", "create-world")}
    for record in (tmp_path / "nothing", tmp_path):
        code, out, err = bench.say(command, str(record), *more.get(command, ()))
        assert (code, out) == (Exit.WRONG_USE, "")
        assert "there is no ceremony" in err
    assert list(tmp_path.iterdir()) == []


def test_while_another_process_has_the_log_nothing_happens(broken: Broken) -> None:
    before = broken.all()
    log = LogFile.open(Disk(), broken.record / "log.jsonl")
    try:
        left = broken.says("resume")
        assert left.code == Exit.WRONG_USE, left.err
        assert "log.jsonl" in left.err
        assert broken.all() == before
    finally:
        log.close()
    assert broken.says("resume").code == 0


def test_of_two_that_go_on_at_once_one_is_refused(broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second begins while the first is in the middle of its sitting."""
    append = Logbook.append
    refused: list[bench.Left] = []
    wanted = is_entry("request", kind="generate_key")

    def meanwhile(self: Logbook, said: object, actors: tuple[str, ...] = ()) -> object:
        if wanted(said) and not refused:  # type: ignore[arg-type]
            before = broken.all()
            refused.append(broken.says("resume"))
            assert broken.all() == before
        return append(self, said, actors)  # type: ignore[arg-type]

    monkeypatch.setattr(Logbook, "append", meanwhile)
    left = broken.says("resume")
    assert [one.code for one in refused] == [Exit.WRONG_USE]
    assert left.code == 0, left.err[-400:]
    assert left.verdict().outcome is Outcome.VALID
    assert once(left.record.parent)


def test_a_record_that_was_changed_is_not_gone_on_with(broken: Broken) -> None:
    """One line of the log, in the middle: nothing is written, and the same record as it was goes on."""
    log = broken.record / "log.jsonl"
    content = log.read_bytes()
    lines = content.splitlines(keepends=True)
    for changed in (
        b"".join([*lines[:20], lines[20].replace(b"T", b"U", 1), *lines[21:]]),
        b"".join([*lines[:20], *lines[21:]]),
        b"".join(lines[:-1]) + lines[-2],
    ):
        log.write_bytes(changed)
        before = broken.all()
        left = broken.says("resume")
        assert left.code == Exit.FINDINGS, left.err
        assert broken.all() == before
    log.write_bytes(content)
    assert broken.says("resume").code == 0


@pytest.mark.parametrize("file", ["plan.json", "keys/allowed_signers", "keys/log-0.vkey", "approval/manifest.txt"])
def test_nor_one_whose_files_were(broken: Broken, file: str) -> None:
    path = broken.record / file
    path.write_bytes(bench.flip(path.read_bytes(), 30))
    before = broken.all()
    left = broken.says("resume")
    assert left.code == Exit.FINDINGS, left.err
    assert "LOG073" in left.err
    assert broken.all() == before


def test_a_station_whose_file_was_changed_is_refused(broken: Broken) -> None:
    path = broken.left.sim / "stations" / "offline" / "KeyVault-BYOK-Tools-Europe.zip"
    content = path.read_bytes()
    for changed in (bench.flip(content, 1000), content[:-1]):
        path.write_bytes(changed)
        before = broken.all()
        left = broken.says("resume")
        assert left.code == Exit.STEP_FAILED
        assert "RUN021" in left.err
        assert broken.all() == before
    path.write_bytes(content)
    assert broken.says("resume").code == 0


# -- aborted -----------------------------------------------------------------------------------------------------------


def test_it_can_be_ended_for_good(broken: Broken) -> None:
    before = broken.left.entries()
    left = broken.says("abort", "--as", "goran", "--because", "the cards are damp")
    assert left.code == Exit.STOPPED
    verdict = left.verdict()
    assert verdict.outcome is Outcome.ABORTED, verdict.findings
    assert sittings.types(left.entries(), len(before)) == [
        "ceremony.resumed",
        "checkpoint",
        "ceremony.aborted",
        "ceremony.closed",
    ]
    aborted = sittings.only(left.entries(), "ceremony.aborted")
    assert (aborted.data["rule"], aborted.data["by"], aborted.data["reason"]) == (
        "RUN043",
        "goran",
        "the cards are damp",
    )
    assert "aborted by goran: the cards are damp (RUN043)\n" in left.err
    assert broken.status()["state"] == "over: aborted by goran: the cards are damp (RUN043)"
    assert "goran ended the ceremony: the cards are damp" in verdict.notes
    assert (left.record / "SHA256SUMS").exists()
    over = broken.all()
    for command in (("resume",), ("abort", "--as", "hana", "--because", "again")):
        refused = broken.says(*command)
        assert refused.code == Exit.WRONG_USE
        assert "is over: aborted" in refused.err
    assert broken.all() == over
    code, out, _ = bench.say("verify", str(left.record), "--trust", str(left.trust), "--rehearsal")
    assert code == Exit.FINDINGS
    assert "ABORTED" in out.splitlines()[0]


@pytest.mark.parametrize(
    ("person", "reason", "words"), [("nobody", "enough", "not on the roster"), ("goran", " ", "give a reason")]
)
def test_nobody_ends_it_without_a_name_and_a_reason(broken: Broken, person: str, reason: str, words: str) -> None:
    before = broken.all()
    left = broken.says("abort", "--as", person, "--because", reason)
    assert left.code == Exit.WRONG_USE
    assert words in left.err
    assert broken.all() == before


def test_an_abort_that_broke_off_is_ended_by_the_next_sitting(broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    sittings.killed(
        monkeypatch,
        lambda: broken.says("abort", "--as", "goran", "--because", "enough"),
        after=is_entry("ceremony.aborted"),
    )
    assert broken.status()["state"].startswith("aborted by goran: enough (RUN043); `ceremony resume`")
    left = broken.says("resume")
    assert left.code == Exit.STOPPED
    assert "aborted by goran: enough (RUN043)\n" in left.err
    verdict = left.verdict()
    assert verdict.outcome is Outcome.ABORTED, verdict.findings
    assert json.loads(left.lines()[-1])["data"]["outcome"] == "aborted"
