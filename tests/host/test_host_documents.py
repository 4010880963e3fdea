"""Finding and loading playbooks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from runner.errors import WrongUse
from runner.host.disk import Disk
from runner.host.documents import find_playbook, load

SHIPPED = Path(__file__).resolve().parents[2] / "ceremonies" / "azure-byok"


def test_the_roster_beside_the_playbook_is_taken(tmp_path: Path) -> None:
    for file in SHIPPED.iterdir():
        shutil.copy(file, tmp_path)
    documents = load(Disk(), tmp_path / "azure-byok.ceremony.yaml", roster=None)
    assert [source.role for source in documents.sources] == ["playbook", "regions", "roster", *["texts"] * 4]
    assert not documents.findings()


def test_a_roster_of_the_playbooks_name_is_refused(tmp_path: Path) -> None:
    for file in SHIPPED.iterdir():
        shutil.copy(file, tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    roster = elsewhere / "azure-byok.ceremony.yaml"
    shutil.copy(SHIPPED / "azure-byok.roster.yaml", roster)
    with pytest.raises(WrongUse, match=r"two of the files are called azure-byok\.ceremony\.yaml"):
        load(Disk(), tmp_path / "azure-byok.ceremony.yaml", roster=roster)


def test_a_shipped_ceremony_is_found_by_name() -> None:
    assert find_playbook("azure-byok") == SHIPPED / "azure-byok.ceremony.yaml"


@pytest.mark.parametrize("name", ["azure-byokk", "../azure-byok", "azure-byok/azure-byok"])
def test_what_is_not_there_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WrongUse, match="azure-byok"):
        find_playbook(name)
