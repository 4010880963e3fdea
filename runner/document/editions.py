"""Which regions an edition offers, and the values in force there.

An edition selects values and never steps. A region that is not offered is refused with the published reason; no value
is ever made up for it.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from runner.errors import CeremonyError, PlaybookFault, WrongUse
from runner.vocabulary import closest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.document.findings import Finding, Path
    from runner.document.playbook import Playbook
    from runner.document.regions import Regions
    from runner.document.shape import Parsed

LAST_DAY: Final = "9999-12-31"
"""A day after every day that is written."""


class Offered(Struct, frozen=True):
    """A region and an edition that go together."""

    code: str
    edition: str


class NotOffered(Struct, frozen=True):
    """Why a region and an edition do not go together.

    Attributes:
        rule: REG010 no such region, REG005 no such edition, REG004 not offered.
        reason: one sentence.
        nearest: what may have been meant; "" where nothing is near.
    """

    rule: str
    reason: str
    nearest: str = ""

    def as_error(self) -> CeremonyError:
        """Return what a command raises: exit code 3 for REG004, else 2."""
        words = f"{self.reason}; write {self.nearest}" if self.nearest else self.reason
        return PlaybookFault(words, rule=self.rule) if self.rule == "REG004" else WrongUse(words, rule=self.rule)


def offered(regions: Regions, code: str, edition: str) -> Offered | NotOffered:
    """Return whether a region is offered in an edition, and why not.

    Args:
        regions: a regions file without errors.
        code: a region's code, as somebody typed it.
        edition: an edition's date, as somebody typed it.
    """
    region = regions.regions.get(code)
    if region is None:
        near = closest(code, regions.regions)
        words = (
            f"there is no region `{code}`"
            if near
            else f"there is no region `{code}`; there are {', '.join(regions.regions)}"
        )
        return NotOffered("REG010", words, near)
    if edition not in regions.editions:
        return NotOffered("REG005", f"there is no edition `{edition}`", nearest_edition(edition, regions.editions))
    when = region.offered
    if when is None or when.begins is None:
        because = when.because if when is not None and when.because else "it is not said since when"
        return NotOffered("REG004", f"`{code}` is not offered: {because}")
    if edition < when.begins:
        because = f": {when.because}" if when.because else ""
        return NotOffered("REG004", f"`{code}` is offered from {when.begins}, not in the edition of {edition}{because}")
    if when.until is not None and edition >= when.until:
        because = f": {when.because}" if when.because else ""
        return NotOffered(
            "REG004", f"`{code}` was offered until {when.until}, not in the edition of {edition}{because}"
        )
    return Offered(code, edition)


def values_at(regions: Regions, code: str, edition: str) -> dict[str, str | int | bool]:
    """Return the values of a region in force in an edition, by name, as written.

    Raises:
        WrongUse: no such region (REG010) or edition (REG005).
        PlaybookFault: not offered (REG004).
    """
    found = offered(regions, code, edition)
    if isinstance(found, NotOffered):
        raise found.as_error()
    values = ((name, dated.at(edition)) for name, dated in sorted(regions.of(code).items()))
    return {name: value for name, value in values if value is not None}


def offered_regions(regions: Regions, edition: str) -> tuple[str, ...]:
    """Return the codes of the regions an edition offers, in the file's order."""
    return tuple(code for code in regions.regions if isinstance(offered(regions, code, edition), Offered))


def nearest_edition(edition: str, editions: Iterable[str]) -> str:
    """Return the edition nearest in time; by spelling where `edition` is no date."""
    known = sorted(editions)
    try:
        day = dt.date.fromisoformat(edition)
    except ValueError:
        return closest(edition, known)
    return min(known, key=lambda date: abs((dt.date.fromisoformat(date) - day).days), default="")


def out_of_force(regions: Regions, edition: str, day: str) -> str:
    """Return why an edition is no longer the one to follow on a day: replaced, or withdrawn; "" where it is. REG007.

    Args:
        regions: a regions file without errors.
        edition: one of its editions.
        day: the day, as 2026-01-31.
    """
    withdrawn = regions.withdrawn
    if withdrawn is not None and withdrawn.on <= day:
        return f"the procedure was withdrawn on {withdrawn.on}: {withdrawn.because}"
    replaced_by = regions.editions[edition].replaced_by
    if replaced_by is not None and replaced_by <= day:
        return f"the edition of {edition} was replaced by that of {replaced_by}"
    return ""


def check_waived_editions(playbook: Parsed[Playbook], regions: Regions) -> tuple[Finding, ...]:
    """Return SHP010 for a waiver of REG007 where every edition the playbook follows stays in force for ever."""
    from runner.document.shape import Report

    report = Report(playbook.source)
    draft = playbook.draft
    if draft is None or draft.follows is None:
        return ()
    followed = [edition for edition in draft.follows.editions() if edition in regions.editions]
    if not any(out_of_force(regions, edition, LAST_DAY) for edition in followed):
        for position, waiver in enumerate(draft.waivers):
            if waiver.rule == "REG007":
                words = "no edition that is followed here is replaced or withdrawn"
                report.add("SHP010", words, ("waivers", position, "rule"))
    return report.findings()


def check_editions(playbook: Parsed[Playbook], editions: Mapping[str, object]) -> tuple[Finding, ...]:
    """Return REG005 for every edition the playbook follows that its regions file does not have."""
    from runner.document.shape import Report

    report = Report(playbook.source)
    follows = playbook.draft.follows if playbook.draft is not None else None
    if follows is None:
        return ()
    dates: list[tuple[Path, str]] = [(("follows", "edition"), follows.edition)]
    dates += [(("follows", "also", index), date) for index, date in enumerate(follows.also)]
    for path, date in dates:
        if date not in editions:
            near = nearest_edition(date, editions)
            advice = f"the nearest is {near}" if near else ""
            report.add("REG005", f"the regions file has no edition {date}", path, help_=advice)
    return report.findings()
