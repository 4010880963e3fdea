"""`ceremony approve`: refusals come first and leave nothing behind; what is signed is what was shown."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import pytest
from approval_bench import Said, write_key
from plan_bench import signer

from runner.cli import approve
from runner.host.approvals import approval_of, keep_approval, prepare, require_approvals
from runner.host.bundle import bundle_sha256
from runner.host.clock import today
from runner.host.disk import Disk
from runner.host.room import StopAsked
from runner.signing.signers import APPROVE, allowed_signers
from runner.spoken import words

if TYPE_CHECKING:
    from approval_bench import Bench

PLAN = Path("plan.json")
COMMAND = (
    "import sys; from runner.cli import approve; from runner.cli.main import guarded; "
    "sys.exit(guarded(lambda: approve.main(sys.argv[1:])))"
)


def days_from_today(days: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


def refused(bench: Bench, said: Said, code: int, rule: str, before: dict[str, bytes | None]) -> None:
    assert said.code == code, said
    assert f"refused {rule}: " in said.err, said.err
    assert said.out == ""
    assert bench.tree() == before


# -- approving ---------------------------------------------------------------------------------------------------------


def test_three_people_approve_under_the_terms_of_the_first(bench: Bench) -> None:
    bench.plan()
    checked = bench.checked()
    first = bench.approve("bob", "--days", "7")
    assert (first.code, first.out) == (0, f"bob approved the plan {checked.sha256}\n")
    terms = bench.approved().terms
    assert (terms.not_before, terms.not_after) == (today(), days_from_today(7))
    assert terms.software == bundle_sha256(Disk())
    for who in ("cyd", "hal"):
        assert bench.approve(who).code == 0
        assert bench.approved().terms == terms
    assert list(bench.approved().signatures) == ["bob", "cyd", "hal"]
    require_approvals(checked, bench.approved(), today=today(), software=terms.software)


def test_what_is_shown_is_what_is_signed(bench: Bench) -> None:
    bench.plan()
    said = bench.approve("bob")
    assert said.told.startswith(bench.approved().manifest.decode())


def test_ssh_keygen_verifies_what_was_kept(bench: Bench) -> None:
    bench.plan()
    bench.approve("bob")
    program = shutil.which("ssh-keygen")
    assert program is not None
    Path("allowed").write_bytes(allowed_signers([("bob", signer(2).public)]))
    folder = approval_of(PLAN)
    command = [program, "-Y", "verify", "-f", "allowed", "-I", "bob", "-n", APPROVE]
    command += ["-s", str(folder / "manifest.txt.bob.sshsig")]
    manifest = (folder / "manifest.txt").read_bytes()
    assert subprocess.run(command, input=manifest, capture_output=True, check=False).returncode == 0
    assert subprocess.run(command, input=manifest + b"\n", capture_output=True, check=False).returncode != 0


def test_sums_are_those_sha256sum_checks(bench: Bench) -> None:
    bench.plan()
    bench.approve("bob")
    shutil.copytree("plan.json.sources", "record/source")
    shutil.copy("plan.json", "record/plan.json")
    command = ["sha256sum", "--strict", "--check", "-"]
    sums = (approval_of(PLAN) / "sums.txt").read_bytes()
    assert subprocess.run(command, input=sums, cwd="record", capture_output=True, check=False).returncode == 0


def test_the_first_chooses_days_and_software(bench: Bench) -> None:
    bench.plan()
    first = days_from_today(3)
    assert bench.approve("bob", "--from", first, "--days", "1", "--software", "ab" * 32).code == 0
    terms = bench.approved().terms
    assert (terms.not_before, terms.not_after, terms.software) == (first, days_from_today(4), "ab" * 32)
    assert bench.approve("cyd", "--software", "ab" * 32).code == 0


# -- what changed ------------------------------------------------------------------------------------------------------


def test_what_changed_is_shown(bench: Bench) -> None:
    bench.plan()
    path = Path("press.ceremony.yaml")
    path.write_text(path.read_text().replace("approver: 2", "approver: 1").replace("Test of", "A test of"))
    bench.plan("new.json", "--param", "copies=4")
    said = bench.approve("bob", "--since", "plan.json", plan_="new.json")
    assert said.code == 0
    shown = said.told[said.told.index("Since the plan ") :]
    assert bench.checked().sha256 in shown
    assert "  approvals: plan: was 2 approver, 1 auditor, is 1 approver, 1 auditor\n" in shown
    assert "  parameter copies: value: was 3, is 4\n" in shown
    meaning, _, wording = shown.partition("Wording or comments only:")
    assert "  step press: title: was `Press 3 times`, is `Press 4 times`\n" in meaning
    assert "  ceremony: title: was `Test of a press`, is `A test of a press`" in wording


def test_no_change_and_no_older_plan_are_said(bench: Bench) -> None:
    bench.plan()
    assert "nothing changed in meaning" in bench.approve("bob", "--since", "plan.json").told
    assert "No earlier plan was named" in bench.approve("cyd").told


def changed(bench: Bench, name: str, days: int, *people: str, copies: int) -> None:
    """Make another plan, approved by these people from a day on."""
    bench.plan(name, "--param", f"copies={copies}")
    first = ("--from", days_from_today(days))
    for number, who in enumerate(people):
        assert bench.approve(who, *(first if number == 0 else ()), plan_=name).code == 0


def test_the_plan_approved_last_is_found(bench: Bench) -> None:
    bench.plan()
    changed(bench, "a.json", -3, "bob", "cyd", "hal", copies=4)
    changed(bench, "b.json", -9, "bob", "cyd", "hal", copies=5)
    told = bench.approve("bob").told
    assert "(a.json):\n" in told
    assert "  parameter copies: value: was 4, is 3\n" in told
    named = bench.approve("cyd", "--since", "b.json").told
    assert "  parameter copies: value: was 5, is 3\n" in named


def spoil(how: str) -> None:
    if how == "changed since":
        path = Path("a.json")
        path.write_bytes(path.read_bytes().replace(b'"value":4', b'"value":6'))
    elif how == "another's signature":
        folder = approval_of(Path("a.json"))
        shutil.copy(folder / "manifest.txt.bob.sshsig", folder / "manifest.txt.cyd.sshsig")
    elif how == "no plan":
        Path("a.json").unlink()
    elif how == "another ceremony":
        for name in ("press.ceremony.yaml", "press.roster.yaml"):
            Path(name).write_text(Path(name).read_text().replace("press-test", "other-test"))


@pytest.mark.parametrize("how", ["changed since", "another's signature", "no plan", "another ceremony", "too few"])
def test_what_was_not_approved_is_not_compared_with(bench: Bench, how: str) -> None:
    changed(bench, "a.json", -3, *(("bob", "cyd") if how == "too few" else ("bob", "cyd", "hal")), copies=4)
    spoil(how)
    bench.plan()
    assert "No earlier plan was named (--since), and no approved one lies beside it" in bench.approve("bob").told


@pytest.mark.parametrize("content", [None, b"{}"])
def test_an_older_plan_that_is_none_is_refused(bench: Bench, content: bytes | None) -> None:
    bench.plan()
    if content is not None:
        Path("old.json").write_bytes(content)
    before = bench.tree()
    said = bench.approve("bob", "--since", "old.json")
    assert (said.code, said.told) == (2, "")
    assert bench.tree() == before


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["ada", "dee", "eve", "zoe"])
def test_who_may_not_is_refused_before_being_asked(bench: Bench, who: str) -> None:
    bench.plan()
    before = bench.tree()
    said = bench.approve(who)
    refused(bench, said, 4, "RUN018", before)
    assert said.told == ""


def test_a_plan_its_sources_do_not_make_is_refused(bench: Bench) -> None:
    bench.plan()
    path = Path("plan.json.sources/press.roster.yaml")
    path.write_text(path.read_text() + "# nothing\n")
    before = bench.tree()
    command = bench.run(approve.main, "plan.json", "--as", "bob", "--key", "keys/bob")
    refused(bench, command, 3, "RUN012", before)


def test_the_same_person_does_not_approve_twice(bench: Bench) -> None:
    bench.plan()
    assert bench.approve("bob").code == 0
    before = bench.tree()
    said = bench.approve("bob")
    assert said.code == 2
    assert "bob has approved this plan already" in said.err
    assert bench.tree() == before


def test_the_approval_of_another_plan_is_refused_with_both_digests(bench: Bench) -> None:
    bench.plan()
    bench.approve("bob")
    bench.plan("new.json", "--param", "copies=4")
    shutil.copytree("plan.json.approval", "new.json.approval")
    before = bench.tree()
    said = bench.approve("cyd", plan_="new.json")
    refused(bench, said, 4, "RUN013", before)
    assert {bench.checked().sha256, bench.checked("new.json").sha256} <= set(re.findall("[0-9a-f]{64}", said.err))


def approved_with(bench: Bench, *, first: str, last: str, software: str, key: int = 2) -> dict[str, bytes | None]:
    """Leave an approval of other terms beside the plan, signed by bob or whoever has that key."""
    bench.plan()
    terms = approve.Terms(approval="ab" * 16, not_before=first, not_after=last, software=software, version="0.1.0")
    approved = prepare(bench.checked(), terms)
    keep_approval(bench.disk, PLAN, approved, "bob", signer(key).sign(APPROVE, approved.manifest))
    return bench.tree()


def test_an_approval_that_is_over_is_refused(bench: Bench) -> None:
    before = approved_with(bench, first=days_from_today(-9), last=days_from_today(-1), software=bundle_sha256(Disk()))
    refused(bench, bench.approve("cyd"), 4, "RUN011", before)


def test_an_approval_whose_last_day_is_today_is_not_over(bench: Bench) -> None:
    approved_with(bench, first=days_from_today(-9), last=days_from_today(0), software=bundle_sha256(Disk()))
    assert bench.approve("cyd").code == 0


def test_an_approval_for_other_software_is_refused(bench: Bench) -> None:
    before = approved_with(bench, first=today(), last=days_from_today(9), software="ab" * 32)
    refused(bench, bench.approve("cyd"), 4, "RUN015", before)


def test_an_approval_with_a_wrong_signature_is_refused(bench: Bench) -> None:
    software = bundle_sha256(Disk())
    before = approved_with(bench, first=today(), last=days_from_today(9), software=software, key=3)
    refused(bench, bench.approve("cyd"), 4, "LOG080", before)


@pytest.mark.parametrize("option", [("--days", "7"), ("--from", "2026-12-01")])
def test_days_are_chosen_once(bench: Bench, option: tuple[str, str]) -> None:
    bench.plan()
    bench.approve("bob")
    before = bench.tree()
    said = bench.approve("cyd", *option)
    assert said.code == 2
    assert "the first approver chose" in said.err
    assert bench.tree() == before


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--days", "0"), 2),
        (("--days", "31"), 2),
        (("--days", "-1"), 2),
        (("--days", "seven"), 2),
        (("--from", "2026-02-30"), 2),
        (("--from", "9999-12-31"), 2),
        (("--from", "2020-01-01"), 4),
        (("--software", "ab"), 2),
        (("--software", "AB" * 32), 2),
        (("--force",), 2),
    ],
)
def test_terms_that_do_not_fit_are_refused(bench: Bench, options: tuple[str, ...], code: int) -> None:
    bench.plan()
    before = bench.tree()
    said = bench.approve("bob", *options)
    assert (said.code, said.out, said.told) == (code, "", "")
    assert bench.tree() == before


def test_the_longest_time_the_plan_allows_is_accepted(bench: Bench) -> None:
    bench.plan()
    assert bench.approve("bob", "--days", "30").code == 0
    terms = bench.approved().terms
    assert date.fromisoformat(terms.not_after) - date.fromisoformat(terms.not_before) == timedelta(days=30)


# -- what is typed, and the key ----------------------------------------------------------------------------------------


def test_a_slip_is_named_and_asked_again(bench: Bench) -> None:
    bench.plan()
    right = words(bytes.fromhex(bench.checked().sha256)[:4])
    swapped = " ".join((right[1], right[0], *right[2:]))
    said = bench.approve("bob", typed=[swapped, " ".join(right[:3]), " ".join(right).upper()])
    assert said.code == 0
    assert f"words 1 and 2, `{right[1].lower()}` and `{right[0].lower()}`, are swapped" in said.told
    assert "word 4 of 4 is not there" in said.told


def test_three_slips_stop(bench: Bench) -> None:
    bench.plan()
    before = bench.tree()
    said = bench.approve("bob", typed=["yes", "yes", "yes"])
    assert (said.code, said.out, said.err) == (5, "", "stopped: nothing was signed\n")
    assert bench.tree() == before


def test_stopping_at_the_question_stops(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.plan()
    before = bench.tree()

    def stop(*_: object) -> str:
        raise StopAsked

    monkeypatch.setattr("approval_bench.PaperTerminal.ask", stop)
    assert bench.approve("bob").code == 5
    assert bench.tree() == before


def test_another_key_is_refused_after_signing(bench: Bench) -> None:
    bench.plan()
    before = bench.tree()
    refused(bench, bench.approve("bob", "--key", "keys/cyd"), 4, "LOG080", before)


@pytest.mark.parametrize("key", ["keys/nobody", "keys"])
def test_a_key_that_is_not_there_is_wrong_use(bench: Bench, key: str) -> None:
    bench.plan()
    before = bench.tree()
    said = bench.approve("bob", "--key", key)
    assert (said.code, said.told) == (2, "")
    assert bench.tree() == before


@pytest.mark.parametrize("given", ["keys/cyd", "keys/cyd.pub"])
def test_another_key_whose_public_half_is_there_is_refused_before_being_asked(bench: Bench, given: str) -> None:
    bench.plan()
    (bench.folder / "keys" / "cyd.pub").write_text(f"{signer(3).public} cyd\n")
    before = bench.tree()
    said = bench.approve("bob", "--key", given)
    refused(bench, said, 4, "LOG080", before)
    assert said.told == ""


@pytest.mark.parametrize("half", [b"ssh-ed25519 AAAA", b"\xff", b""])
def test_a_public_half_that_is_none_says_nothing(bench: Bench, half: bytes) -> None:
    bench.plan()
    (bench.folder / "keys" / "bob.pub").write_bytes(half)
    assert bench.approve("bob", "--key", "keys/bob").code == 0


def test_without_a_key_and_without_ssh_agent_it_is_wrong_use(bench: Bench) -> None:
    bench.plan()
    before = bench.tree()
    said = bench.approve("bob", with_key=False)
    assert (said.code, "--key FILE" in said.err) == (2, True)
    assert bench.tree() == before


# -- at a real terminal ------------------------------------------------------------------------------------------------


def test_without_a_terminal_it_is_exit_8(bench: Bench) -> None:
    bench.plan()
    before = bench.tree()
    command = [sys.executable, "-c", COMMAND, "plan.json", "--as", "bob", "--key", "keys/bob"]
    typed = " ".join(words(bytes.fromhex(bench.checked().sha256)[:4])) + "\n"
    done = subprocess.run(
        command, input=typed, capture_output=True, text=True, check=False, start_new_session=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (8, ""), done.stderr
    assert bench.tree() == before


def test_a_passphrase_is_asked_for_on_the_terminal_and_shown_nowhere(bench: Bench) -> None:
    bench.plan()
    key = write_key(bench.folder / "locked", 2)
    program = shutil.which("ssh-keygen")
    assert program is not None
    command = [program, "-q", "-p", "-P", "", "-N", "open-sesame", "-f", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    child = pexpect.spawn(
        sys.executable, ["-c", COMMAND, "plan.json", "--as", "bob", "--key", "locked"], encoding="utf-8", timeout=60
    )
    child.setwinsize(24, 200)
    shown = Path("shown").open("w+", encoding="utf-8")  # noqa: SIM115 (closed below)
    child.logfile_read = shown
    child.expect("from your own copy of the plan:")
    child.sendline(" ".join(words(bytes.fromhex(bench.checked().sha256)[:4])))
    child.expect("[Pp]assphrase")
    child.sendline("open-sesame")
    child.expect(pexpect.EOF)
    child.close()
    shown.seek(0)
    text = shown.read()
    shown.close()
    assert child.exitstatus == 0, text
    assert "bob approved the plan" in text
    assert "sesame" not in text
    assert list(bench.approved().signatures) == ["bob"]
