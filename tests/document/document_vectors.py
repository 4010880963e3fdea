"""Vectors of documents: `good.*` and one fault per file, with its rule and place in `index.txt`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.document.environment import parse_environment
from runner.document.parse import parse_playbook, parse_regions, parse_roster, parse_texts
from runner.document.source import read_source
from runner.document.text_rules import Original

if TYPE_CHECKING:
    from runner.document.environment import Environment
    from runner.document.events import Parser
    from runner.document.playbook import Playbook
    from runner.document.regions import Regions
    from runner.document.roster import Roster
    from runner.document.shape import Parsed
    from runner.document.source import Source
    from runner.document.texts import Texts

VECTORS = Path(__file__).parents[1] / "vectors" / "document"
CEREMONY = Path(__file__).parents[2] / "ceremonies" / "azure-byok"
ACTIONS = ("obtain_file", "create_world", "inspect_key")


def vector(name: str, parser: Parser = "best") -> Source:
    return read_source(name, (VECTORS / name).read_bytes(), parser=parser)


def good_regions() -> Regions:
    value = parse_regions(vector("good.regions.yaml")).value
    assert value is not None
    return value


def good_playbook() -> Playbook:
    value = parse_playbook(vector("good.ceremony.yaml"), actions=ACTIONS, regions=lambda _named: good_regions()).value
    assert value is not None
    return value


def good_original() -> Original:
    return Original(playbook=good_playbook(), file="good.ceremony.yaml", regions=good_regions(), language="fr")


def parsed(
    source: Source,
) -> Parsed[Playbook] | Parsed[Regions] | Parsed[Roster] | Parsed[Texts] | Parsed[Environment]:
    """Parse a source as what its file name says it is."""
    kind = source.name.split(".")[-2]
    if kind == "regions":
        return parse_regions(source)
    if kind == "roster":
        return parse_roster(source, good_playbook())
    if kind == "texts":
        return parse_texts(source, good_original())
    if kind == "environment":
        return parse_environment(source)
    return parse_playbook(source, actions=ACTIONS, regions=lambda _named: good_regions())
