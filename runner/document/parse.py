"""From a source to a typed document with everything that is wrong in it; never an exception for what people wrote.

A file that is not sound YAML is not looked at for its shape, and a shape that is wrong is not looked at for what does
not fit together: each fault is told once, by the first rule that sees it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from runner.document.consistency import check_playbook
from runner.document.control_rules import check_controls
from runner.document.playbook import Playbook
from runner.document.region_rules import check_regions
from runner.document.regions import Regions
from runner.document.roster import Roster
from runner.document.roster_rules import check_roster
from runner.document.shape import Parsed, Report, Written, validated
from runner.document.templated import check_templates
from runner.document.text_rules import check_prose, check_texts
from runner.document.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from runner.document.source import Source
    from runner.document.text_rules import Original

D = TypeVar("D", bound=Written)


def parse_playbook(
    source: Source,
    *,
    actions: Collection[str] | None = None,
    regions: Callable[[str], Regions | None] | None = None,
) -> Parsed[Playbook]:
    """Return the playbook in a source.

    Args:
        source: the file.
        actions: the names of the actions there are; None leaves them unchecked (SHP005).
        regions: gives the regions file of the name that stands in the playbook; without it, and where it gives None,
            region values in templates are unchecked (REG001).
    """

    def check(playbook: Playbook, report: Report) -> None:
        check_playbook(playbook, report)
        check_controls(playbook, report)
        named = regions(playbook.regions) if regions is not None and playbook.regions is not None else None
        check_templates(playbook, named, report)
        check_prose(playbook, report)
        if actions is not None:
            _actions(playbook, actions, report)

    return _parsed(Playbook, source, check, choices={} if actions is None else {"action": actions})


def parse_regions(source: Source) -> Parsed[Regions]:
    """Return the regions file in a source."""
    return _parsed(Regions, source, check_regions)


def parse_roster(source: Source, playbook: Playbook | None = None) -> Parsed[Roster]:
    """Return the roster in a source, checked against the playbook it is for where that is given."""
    return _parsed(Roster, source, lambda roster, report: check_roster(roster, playbook, report))


def parse_texts(source: Source, original: Original | None = None) -> Parsed[Texts]:
    """Return the texts file in a source, checked against what it is for where that is given."""

    def check(texts: Texts, report: Report) -> None:
        if original is not None:
            check_texts(texts, original, report)

    return _parsed(Texts, source, check)


def _parsed(
    model: type[D],
    source: Source,
    check: Callable[[D, Report], None],
    choices: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> Parsed[D]:
    report = Report(source, choices=choices)
    draft = validated(model, source, report)
    if draft is not None:
        check(draft, report)
    return Parsed(source=source, draft=draft, findings=(*source.findings, *report.findings()))


def _actions(playbook: Playbook, actions: Collection[str], report: Report) -> None:
    for position, _, step in playbook.numbered_steps():
        report.declared("SHP005", "action", step.action, actions, path=("steps", position, "action"), certain=True)
