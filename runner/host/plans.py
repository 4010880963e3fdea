"""Plans on the disk: PLAN, and beside it PLAN.sources/ with the files it was made from.

A plan counts only as far as its sources make it again, byte for byte, so nobody has to believe a file that a program
wrote earlier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.canonical import NotCanonical, file_digest
from runner.errors import CeremonyError, PlaybookFault
from runner.host.documents import load
from runner.plan import parse_plan
from runner.planning import reproduce

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner.host.disk import Disk
    from runner.plan import CheckedPlan, Plan


def sources_of(plan: Path) -> Path:
    """Return the folder with the files a plan was made from."""
    return plan.with_name(f"{plan.name}.sources")


def write_sources(disk: Disk, plan: Path, contents: Mapping[str, bytes]) -> None:
    """Write the files a plan was made from, byte for byte, beside it.

    Raises:
        StepFault: ART009, one is there already; RUN030, one cannot be written.
    """
    folder = sources_of(plan)
    disk.mkdir(folder)
    for name, content in contents.items():
        disk.write_new(folder / name, content)


def load_plan(disk: Disk, path: Path) -> tuple[CheckedPlan, dict[str, bytes]]:
    """Return the plan in a file, and its sources by name, once the sources were found to make it again.

    Raises:
        WrongUse: there is no such file.
        PlaybookFault: RUN012, it is no plan, or its sources do not make it again byte for byte; both digests are shown.
    """
    content = disk.read(path)
    try:
        plan = parse_plan(content)
    except NotCanonical as error:
        how = f"; `ceremony plan {path.name} --out PLAN` makes one" if path.suffix == ".yaml" else ""
        raise PlaybookFault(f"{path.name} is not a plan of this format: {error}{how}", rule="RUN012") from None
    folder = sources_of(path)
    names = sorted(source.file for source in plan.sources)
    if (found := list(disk.list(folder))) != names:
        there = ", ".join(found) or "nothing"
        raise PlaybookFault(f"{folder.name} holds {there}; the plan was made from {', '.join(names)}", rule="RUN012")
    checked, contents = _made_again(disk, folder, plan)
    if checked.content != content:
        raise PlaybookFault(
            f"its sources do not make this plan: {path.name} has the digest {file_digest(content)}, "
            f"and from the sources comes {checked.sha256}",
            rule="RUN012",
        )
    return checked, contents


def _made_again(disk: Disk, folder: Path, plan: Plan) -> tuple[CheckedPlan, dict[str, bytes]]:
    by_role = {source.role: folder / source.file for source in plan.sources}
    if "playbook" not in by_role:
        raise PlaybookFault("the plan names no playbook that it was made from", rule="RUN012")
    try:
        documents = load(disk, by_role["playbook"], roster=by_role.get("roster"))
        made = reproduce(documents, plan)
    except CeremonyError as fault:
        raise PlaybookFault(f"its sources make no plan: {fault.words}", rule="RUN012") from None
    if made is None:
        raise PlaybookFault("its sources have faults, or make a plan that cannot be carried out", rule="RUN012")
    return made, documents.contents


def remade(disk: Disk, record: Path) -> str:
    """Return "" where the sources in a record make its plan again with this software; otherwise why not, in words.

    A record may name any files: what cannot be read, or is no plan of this version, is a reason like any other.
    """
    try:
        content = disk.read(record / "plan.json")
        made, _ = _made_again(disk, record / "source", parse_plan(content))
    except NotCanonical as error:
        return f"this version reads no such plan: {error}"
    except CeremonyError as fault:
        return fault.words
    return "" if made.content == content else f"its sources make the plan {made.sha256}"
