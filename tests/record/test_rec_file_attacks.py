"""Attacks on the files of a record: dropped, flipped, added. SHA256SUMS is made anew unless it is what is attacked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import synthetic

from runner.verification.verdict import Outcome, Verdict
from runner.verification.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

    from synthetic import Written

CKPT = [f"checkpoints/{size:010d}.ckpt" for size in (1, 33, 40, 47, 56, 67)]
RULES = {
    "plan.json": "LOG027",
    "log.jsonl": "LOG003",
    "keys/log-0.vkey": "LOG014",
    "keys/log-0.pub.pem": "LOG014",
    "keys/allowed_signers": "LOG081",
    "approval/manifest.txt": "LOG081",
    "approval/sums.txt": "LOG081",
    "source/demo.ceremony.yaml": "LOG025",
    "source/demo.roster.yaml": "LOG025",
    "transfer/demo.byok": "LOG028",
    "VERIFY.txt": "LOG024",
    "SHA256SUMS": "LOG023",
    **dict.fromkeys(CKPT, "LOG013"),
    CKPT[-1]: "LOG010",
}


def judged(record: Written, *, sums: bool = True) -> Verdict:
    if sums and (record.folder / "SHA256SUMS").exists():
        synthetic.sums(record.folder)
    return verify(record.folder, record.trust, rehearsal=True)


def test_the_list_below_is_all_there_is(record: Written) -> None:
    assert synthetic.files(record.folder) == sorted(RULES)


@pytest.mark.parametrize("name", sorted(RULES))
@pytest.mark.parametrize("sums", [True, False])
def test_a_file_that_is_dropped_is_missed(record: Written, name: str, *, sums: bool) -> None:
    (record.folder / name).unlink()
    verdict = judged(record, sums=sums)
    assert verdict.outcome is Outcome.INCOMPLETE
    assert verdict.deciding is not None
    assert (verdict.deciding.rule, verdict.deciding.file) == ("LOG022", name)


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_flipped_byte_is_seen(record: Written, name: str) -> None:
    path = record.folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x80
    path.write_bytes(content)
    verdict = judged(record, sums=name != "SHA256SUMS")
    assert verdict.outcome is Outcome.TAMPERED
    assert verdict.deciding is not None
    assert verdict.deciding.rule == RULES[name]
    assert verdict.deciding.file == (name if name != "log.jsonl" else "")
    if name not in ("SHA256SUMS", "log.jsonl"):
        path.write_bytes(bytes(content))
        assert "LOG023" not in {finding.rule for finding in verdict.findings}


def test_sums_that_were_not_made_anew_show_every_change(record: Written) -> None:
    path = record.folder / "transfer/demo.byok"
    path.write_bytes(path.read_bytes() + b"x")
    rules = {finding.rule for finding in judged(record, sums=False).findings}
    assert rules == {"LOG023", "LOG028"}


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        ".hidden",
        "approval/more.txt",
        "approval/manifest.txt.dana.sshsig",
        "statements/0000000001.asha.txt",
        "statements/0000000999.asha.txt",
        "statements/0000000999.asha.txt.sshsig",
        "statements/more.txt",
        "artefacts/more",
        "source/more.yaml",
        "transfer/more.byok",
        "transfer/.demo.byok.half",
        "keys/log-1.vkey",
        "keys/more",
        "checkpoints/0000000002.ckpt",
        "checkpoints/0000000999.ckpt",
        "checkpoints/1.ckpt",
        "recovered/tail",
        f"recovered/0000000000-{'0' * 64}.bin",
        "trust.json",
    ],
)
def test_a_stray_file_is_seen(record: Written, name: str) -> None:
    (record.folder / name).parent.mkdir(exist_ok=True)
    (record.folder / name).write_bytes(b"stray")
    verdict = judged(record)
    assert verdict.outcome is Outcome.TAMPERED
    assert verdict.deciding is not None
    assert verdict.deciding.file == name
    rules = {"checkpoints/": "LOG018", "statements/0000000999": "LOG018", "recovered/0": "LOG089"}
    assert verdict.deciding.rule == next((rule for start, rule in rules.items() if name.startswith(start)), "LOG021")


def test_a_name_that_is_no_text_is_seen(record: Written) -> None:
    import os

    with open(os.fsencode(record.folder) + b"/\xff\n", "wb"):  # noqa: PTH123
        pass
    verdict = judged(record, sums=False)
    assert "LOG021" in {finding.rule for finding in verdict.findings}
    verdict.sentence().encode()


def test_a_link_is_no_file_of_a_record(record: Written, tmp_path: Path) -> None:
    path = record.folder / "transfer/demo.byok"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    verdict = judged(record, sums=False)
    assert verdict.outcome is Outcome.TAMPERED
    assert ("LOG021", "transfer/demo.byok") in {(finding.rule, finding.file) for finding in verdict.findings}


def test_empty_folders_of_the_format_are_no_fault(record: Written) -> None:
    for name in ("recovered", "statements", "artefacts"):
        (record.folder / name).mkdir()
    assert judged(record).outcome is Outcome.VALID


def test_another_plan_is_seen_even_if_it_is_a_plan(record: Written) -> None:
    path = record.folder / "plan.json"
    path.write_bytes(path.read_bytes().replace(b'"threshold":2', b'"threshold":1'))
    verdict = judged(record)
    assert verdict.outcome is Outcome.TAMPERED
    assert verdict.deciding is not None
    assert (verdict.deciding.rule, verdict.deciding.seq, verdict.deciding.file) == ("LOG026", 0, "plan.json")
