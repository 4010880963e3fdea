"""One mutated file read, checked, planned and printed as the commands do, beside sound files it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.actions.registry import BY_NAME
from runner.canonical import file_digest
from runner.document.environment import parse_environment
from runner.document.parse import parse_playbook, parse_regions, parse_roster, parse_texts
from runner.document.printing.github import github
from runner.document.printing.oneline import oneline
from runner.document.printing.sarif import sarif
from runner.document.printing.structured import structured
from runner.document.printing.text import text
from runner.document.replay import parse_replay
from runner.document.source import read_source
from runner.document.text_rules import Original
from runner.errors import CeremonyError
from runner.host.rules import load_rules
from runner.linting import lint
from runner.parameters import Given
from runner.plan import SourceFile
from runner.planning import Documents, choose, make_plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.document.events import Parser
    from runner.document.regions import Regions
    from runner.document.shape import Parsed
    from runner.document.source import Source

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "tests" / "vectors"
RULES = load_rules()

OUTCOMES = frozenset({"unread", "wrong", "refused", "planned"})
"""What may come of a file."""


@dataclass(frozen=True, kw_only=True)
class Seed:
    """A file to be changed, whether it is sound before, its playbook's name, and the sound files beside it, by kind.

    Texts in another language are `fr.texts` there, and so on.
    """

    name: str
    content: bytes
    tree: Any
    sound: bool
    of: str
    beside: Mapping[str, bytes]

    @property
    def kind(self) -> str:
        return self.name.split(".")[-2]


@cache
def seeds(*, large: bool) -> tuple[Seed, ...]:
    """Every vector and small ceremony; with `large`, the shipped ceremony and that of the faults too."""
    found = [*_seeds(VECTORS / "document", "good"), *_seeds(VECTORS / "refusals", "small")]
    found += _seeds(ROOT / "tests" / "goldens", "tiny")
    if large:
        found += [
            *_seeds(VECTORS / "faults" / "base", "keys"),
            *_seeds(ROOT / "ceremonies" / "azure-byok", "azure-byok"),
        ]
    return tuple(found)


def _seeds(folder: Path, sound: str) -> list[Seed]:
    beside = {
        path.name.removeprefix(f"{sound}.").removesuffix(".yaml"): path.read_bytes()
        for path in sorted(folder.glob(f"{sound}.*.yaml"))
    }
    return [
        Seed(
            name=path.name,
            content=path.read_bytes(),
            tree=_tree(path),
            sound=path.name.startswith(sound),
            of=f"{sound}.ceremony.yaml",
            beside=beside,
        )
        for path in sorted(folder.glob("*.yaml"))
    ]


def _tree(path: Path) -> Any:
    source = read_source(path.name, path.read_bytes())
    return None if source.findings else source.data


def judge(seed: Seed, content: bytes, parser: Parser) -> str:
    """Return what became of an input: `unread`, `wrong`, `refused` or `planned`.

    Raises:
        Exception: anything at all that is not a finding and not a refusal; that is what is looked for.
    """
    source = read_source(seed.name, content, parser=parser)
    if source.findings:
        _print(source.findings, {source.name: source})
        return "unread"
    if seed.kind in {"environment", "replay"}:
        parsed = parse_environment(source) if seed.kind == "environment" else parse_replay(source)
        _print(parsed.findings, {source.name: source})
        return "wrong" if parsed.findings else "planned"
    try:
        return _together(seed, source)
    except CeremonyError:
        return "refused"


def _together(seed: Seed, source: Source) -> str:
    def of(kind: str) -> Source | None:
        if seed.name.endswith(f".{kind}.yaml"):
            return source
        return read_source(f"beside.{kind}.yaml", seed.beside[kind]) if kind in seed.beside else None

    written, values, people = of("ceremony"), of("regions"), of("roster")
    if written is None:
        return "refused"
    regions: Parsed[Regions] | None = None

    def regions_of(_named: str) -> Regions | None:
        nonlocal regions
        regions = parse_regions(values) if values is not None else None
        return regions.value if regions is not None else None

    playbook = parse_playbook(written, actions=BY_NAME, regions=regions_of)
    roster = None if people is None else parse_roster(people, playbook.draft)
    texts = {}
    for language in playbook.draft.languages[1:] if playbook.draft is not None else ():
        words = of(f"{language}.texts")
        if words is not None and playbook.draft is not None:
            original = Original(
                playbook=playbook.draft,
                file=seed.of,
                regions=regions.value if regions is not None else None,
                language=language,
            )
            texts[language] = parse_texts(words, original)
    files = tuple(SourceFile(file=one.name, role="playbook", size=1, sha256=file_digest(b"x")) for one in (written,))
    documents = Documents(
        playbook=playbook, regions=regions, roster=roster, texts=texts, sources=files, contents={written.name: b"x"}
    )
    code = next(iter(regions.value.regions), None) if regions is not None and regions.value is not None else None
    found = lint(documents, today="2026-11-25", region=code, edition=None)
    _print(found, documents.by_name())
    if any(one.severity == "error" for one in found):
        return "wrong"
    choice = choose(documents, region=code, edition=None, given=Given(values={}, examples=True))
    made = make_plan(documents, choice)
    _print(made.findings, documents.by_name())
    return "wrong" if made.checked is None else "planned"


def _print(findings: Any, sources: Mapping[str, Source]) -> None:
    oneline(findings)
    text(findings, sources)
    github(findings)
    structured(findings, RULES)
    sarif(findings, RULES, version="0")
    for one in findings:
        if one.place.span.line < 1 or one.place.span.column < 1 or not one.message:
            raise AssertionError(f"a finding without a place: {one}")
