"""Playbooks from files, and the ceremonies and schemas that are shipped with the runner."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from runner.actions.registry import BY_NAME
from runner.canonical import file_digest
from runner.document.findings import in_order
from runner.document.parse import parse_playbook, parse_regions, parse_roster, parse_texts
from runner.document.shape import Report
from runner.document.source import read_source
from runner.document.text_rules import Original
from runner.errors import PlaybookFault, WrongUse
from runner.plan import SourceFile
from runner.planning import Documents

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from runner.document.regions import Regions
    from runner.document.roster import Roster
    from runner.document.shape import Parsed
    from runner.document.texts import Texts
    from runner.host.disk import Disk

ENDING: Final = ".ceremony.yaml"

_BESIDE: Final = (".regions.yaml", ".roster.yaml", ".texts.yaml")
"""Endings of the files that belong to the playbooks in their folder."""


def shipped(kind: str) -> Path:
    """Return the folder `ceremonies` or `schemas` of this installation: in the wheel, or in the checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "shipped" / kind
    return inside if inside.is_dir() else package.parent / kind


def approved_beside(plan: Path) -> tuple[Path, ...]:
    """Return the other files in a plan's folder that have a folder `<name>.approval`, sorted."""
    names = (item.with_suffix("") for item in plan.parent.glob("*.approval"))
    return tuple(sorted(item for item in names if item != plan and item.is_file()))


def find_playbook(name: str) -> Path:
    """Return the playbook of that path, or the shipped one of that name.

    Raises:
        WrongUse: there is neither; or it is a folder, and the words say of what.
    """
    path = Path(name)
    if path.is_file():
        return path
    if path.is_dir():
        raise WrongUse(_of_folder(path))
    if path.exists():
        raise WrongUse(f"{name} is not a plain file")
    own = {item.name.removesuffix(ENDING): item for item in sorted(shipped("ceremonies").glob(f"*/*{ENDING}"))}
    if name in own:
        return own[name]
    raise WrongUse(f"there is no file {name}, and no shipped ceremony of that name ({', '.join(own)})")


def is_bare_folder(path: Path) -> bool:
    """Say whether it is a folder in which there is no plan, so that it is no record."""
    return path.is_dir() and not (path / "plan.json").exists()


def _of_folder(path: Path) -> str:
    """Return in words what to name instead of a folder."""
    if (path / "log.jsonl").exists():
        return f"{shown(path)} is the record of a ceremony, no playbook; its playbook lies in {shown(path / 'source')}"
    there = [shown(one) for one in sorted(path.glob(f"*{ENDING}"))]
    return f"{shown(path)} is a folder; " + (f"name {' or '.join(there)}" if there else "there is no playbook in it")


def find_playbooks(names: Iterable[str]) -> tuple[Path, ...]:
    """Return the playbooks that paths and names of shipped ceremonies lead to, each once.

    A file with regions, people or texts leads to every playbook in its folder.

    Raises:
        WrongUse: a name leads to none.
    """
    found: dict[Path, None] = {}
    for name in names:
        path = Path(name)
        if not (name.endswith(_BESIDE) and path.is_file()):
            found[find_playbook(name)] = None
        elif beside := sorted(path.parent.glob(f"*{ENDING}")):
            found.update(dict.fromkeys(beside))
        else:
            raise WrongUse(f"there is no playbook beside {name}")
    return tuple(found)


def require_read(names: Iterable[str], read: Collection[str]) -> None:
    """Return if every file that was named is one of those that were read, given as people would write them from here.

    Raises:
        WrongUse: a file with regions, people or texts that no playbook beside it reads.
    """
    for name in names:
        if name.endswith(_BESIDE) and shown(Path(name)) not in read:
            ways = "it names its regions; its people are NAME.roster.yaml, its texts NAME.CODE.texts.yaml"
            raise WrongUse(f"no playbook beside {name} reads it, so it was not looked at: {ways}")


def load(disk: Disk, playbook: Path, *, roster: Path | None) -> Documents:
    """Read a playbook with its regions, its roster and its texts in other languages.

    Args:
        disk: the only way to files.
        playbook: a `*.ceremony.yaml`.
        roster: a `*.roster.yaml`; None takes the one beside the playbook, if there is one.

    Raises:
        WrongUse: a file that is named is not there.
    """
    contents: dict[str, bytes] = {}
    sources: list[SourceFile] = []

    def read(path: Path, role: str) -> bytes:
        if path.name in contents:
            raise WrongUse(f"two of the files are called {path.name}; the record could keep only one")
        content = disk.read(path)
        contents[path.name] = content
        sources.append(SourceFile(file=path.name, role=role, size=len(content), sha256=file_digest(content)))
        return content

    regions: Parsed[Regions] | None = None

    def regions_of(named: str) -> Regions | None:
        nonlocal regions
        path = playbook.parent / named
        if not path.is_file():
            return None
        regions = parse_regions(read_source(shown(path), read(path, "regions")))
        return regions.value

    source = read_source(shown(playbook), read(playbook, "playbook"))
    parsed = parse_playbook(source, actions=BY_NAME, regions=regions_of)
    if parsed.draft is not None and parsed.draft.regions is not None and regions is None:
        report = Report(source)
        report.add("REG013", f"there is no file {shown(playbook.parent / parsed.draft.regions)}", ("regions",))
        parsed = replace(parsed, findings=tuple(in_order([*parsed.findings, *report.findings()])))
    name = playbook.name.removesuffix(ENDING)
    beside = playbook.with_name(f"{name}.roster.yaml")
    people = roster or (beside if beside.is_file() else None)
    found: Parsed[Roster] | None = None
    if people is not None:
        found = parse_roster(read_source(shown(people), read(people, "roster")), parsed.draft)
    texts: dict[str, Parsed[Texts]] = {}
    for language in parsed.draft.languages[1:] if parsed.draft is not None else ():
        path = playbook.with_name(f"{name}.{language}.texts.yaml")
        if parsed.draft is not None and path.is_file() and language not in texts:
            original = Original(
                playbook=parsed.draft,
                file=playbook.name,
                regions=regions.value if regions is not None else None,
                language=language,
            )
            texts[language] = parse_texts(read_source(shown(path), read(path, "texts")), original)
    return Documents(
        playbook=parsed, regions=regions, roster=found, texts=texts, sources=tuple(sources), contents=contents
    )


def load_regions(disk: Disk, path: Path) -> Parsed[Regions]:
    """Read a regions file by itself.

    Raises:
        WrongUse: there is no such file.
    """
    return parse_regions(read_source(shown(path), disk.read(path)))


def require_new(disk: Disk, path: Path) -> None:
    """Find out, before anything is made, that a file can be made there.

    Raises:
        PlaybookFault: ART009, it is there already.
        WrongUse: there is no such folder, or it cannot be written (RUN030).
    """
    if disk.exists(path):
        raise PlaybookFault(f"{path} is there already, and nothing is ever overwritten", rule="ART009")
    disk.require_writable(path.absolute().parent)


def shown(path: Path) -> str:
    """Return a path as a person would write it from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
