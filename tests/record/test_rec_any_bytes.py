"""Whatever bytes a record holds, verification ends in a verdict that is not "valid"."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import synthetic
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.verification.verdict import Outcome, Verdict
from runner.verification.verify import verify

if TYPE_CHECKING:
    from synthetic import Written

FILES = st.sampled_from(
    ["log.jsonl", "plan.json", "checkpoints/0000000001.ckpt", "checkpoints/0000000067.ckpt", "keys/log-0.vkey"]
)


@pytest.fixture(scope="module")
def shared(pristine: Written, tmp_path_factory: pytest.TempPathFactory) -> Written:
    base = tmp_path_factory.mktemp("shared")
    shutil.copytree(pristine.folder.parent, base, dirs_exist_ok=True)
    return synthetic.Written(base / "record", base / "record.sim/trust.json", pristine.key, pristine.plan, [])


def judged_with(record: Written, name: str, content: bytes) -> Verdict:
    path = record.folder / name
    before = path.read_bytes()
    try:
        path.write_bytes(content)
        synthetic.sums(record.folder)
        return verify(record.folder, record.trust, rehearsal=True)
    finally:
        path.write_bytes(before)
        synthetic.sums(record.folder)


@given(name=FILES, content=st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_any_bytes_at_all(shared: Written, name: str, content: bytes) -> None:
    verdict = judged_with(shared, name, content)
    assert verdict.outcome in (Outcome.TAMPERED, Outcome.INCOMPLETE, Outcome.OPEN)
    assert verdict.findings
    verdict.sentence().encode()


@given(name=FILES, data=st.data())
@settings(max_examples=120, deadline=None)
def test_any_byte_changed_cut_or_added(shared: Written, name: str, data: st.DataObject) -> None:
    content = bytearray((shared.folder / name).read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    match data.draw(st.sampled_from(["change", "cut", "insert"])):
        case "change":
            content[place] ^= data.draw(st.integers(1, 255))
        case "cut":
            del content[place : place + data.draw(st.integers(1, 40))]
        case _:
            content[place:place] = data.draw(st.binary(min_size=1, max_size=20))
    if bytes(content) == (shared.folder / name).read_bytes():
        return
    verdict = judged_with(shared, name, bytes(content))
    assert verdict.outcome is not Outcome.VALID


PEOPLES = st.sampled_from(
    [
        "approval/manifest.txt",
        "approval/manifest.txt.fay.sshsig",
        "approval/sums.txt",
        "keys/allowed_signers",
        "keys/log-1.vkey",
        "statements/0000000048.dana.txt",
        "statements/0000000048.dana.txt.sshsig",
        "checkpoints/0000000030.ckpt",
    ]
)


@pytest.fixture(scope="module")
def shared_signed(pristine_signed: Written, tmp_path_factory: pytest.TempPathFactory) -> Written:
    base = tmp_path_factory.mktemp("shared-signed")
    shutil.copytree(pristine_signed.folder.parent, base, dirs_exist_ok=True)
    return synthetic.Written(base / "record", base / "record.sim/trust.json", pristine_signed.key, {}, [])


@given(name=PEOPLES, content=st.binary(max_size=300))
@settings(max_examples=40, deadline=None)
def test_any_bytes_as_what_people_signed(shared_signed: Written, name: str, content: bytes) -> None:
    assert judged_with(shared_signed, name, content).outcome is Outcome.TAMPERED


@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@settings(max_examples=40, deadline=None)
def test_any_bytes_as_trust(shared: Written, content: bytes) -> None:
    path = shared.trust.with_name("any.json")
    path.write_bytes(content)
    assert verify(shared.folder, path, rehearsal=True).outcome is Outcome.UNVERIFIABLE
    for more in ({"policy": path}, {"registry": path}):
        assert verify(shared.folder, shared.trust, rehearsal=True, **more).outcome is Outcome.UNVERIFIABLE
