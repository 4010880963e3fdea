"""The values of two regions files side by side: what somebody else wrote down independently must be the same. REG012.

A digest that was copied wrongly fits its kind and its pattern; only a second source shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.document.findings import Finding, Severity, in_order
from runner.document.kinds import same_text
from runner.document.regions import ALWAYS
from runner.document.ways import in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.document.findings import Path
    from runner.document.regions import Dated, Regions
    from runner.document.shape import Parsed


def check_against(mine: Parsed[Regions], theirs: Parsed[Regions], *, region: str | None) -> tuple[Finding, ...]:
    """Return where two regions files say different things, at the places of the first; nothing where one has faults.

    1. Each region and each of its values is in both; that a value is in no region of the other is a warning.
    2. Each value is the same in each region, when the region begins to be offered and whenever either changes.

    Args:
        mine: the playbook's regions file.
        theirs: the second source.
        region: the only region to look at; None: all.
    """
    if mine.value is None or theirs.value is None:
        return ()
    return tuple(in_order(list(_Pair(mine, theirs, mine.value, theirs.value).differences(region))))


class _Pair:
    """Two regions files, and their documents."""

    def __init__(self, mine: Parsed[Regions], theirs: Parsed[Regions], here: Regions, there: Regions) -> None:
        self._mine = mine
        self._theirs = theirs
        self._here = here
        self._there = there

    def differences(self, region: str | None) -> Iterator[Finding]:
        here, there = self._here.regions, self._there.regions
        for name in sorted(self._here.names() ^ self._there.names()):
            ways = _declared(self._here, name), _declared(self._there, name)
            yield from self._one_sided(f"the value `{name}`", *ways, Severity.WARNING)
        for code in here if region is None else [region]:
            if code in here and code in there:
                for name in sorted({*self._here.of(code)} | {*self._there.of(code)}):
                    if name in self._here.names() and name in self._there.names():
                        yield from self._values(code, name)
            elif code in here:
                yield from self._one_sided(f"the region `{code}`", ("regions", code), None)
        for code in there if region is None else [region]:
            if code in there and code not in here:
                yield from self._one_sided(f"the region `{code}`", None, ("regions", code))

    def _values(self, code: str, name: str) -> Iterator[Finding]:
        mine, theirs = self._here.of(code).get(name), self._there.of(code).get(name)
        here, there = _way(self._here, code, name), _way(self._there, code, name)
        if mine is None or theirs is None:
            what = f"`{name}` of `{code}`"
            yield from self._one_sided(what, here if mine is not None else None, there if theirs is not None else None)
            return
        kind = self._here.kinds[name].type if name in self._here.kinds else "text"
        told: tuple[str | None, str | None] | None = None
        for date in _moments(self._here, code, mine, theirs):
            one, other = mine.at(date), theirs.at(date)
            compared = _compared(kind, one), _compared(kind, other)
            if compared[0] != compared[1] and compared != told:
                since = "" if date == ALWAYS else f" from {date} on"
                words = f"`{name}` is {_said(one)} here and {_said(other)} in the second source{since}"
                yield self._finding(words, _in_force(here, mine, date), _in_force(there, theirs, date), regions=(code,))
            told = compared

    def _one_sided(
        self, what: str, here: Path | None, there: Path | None, severity: Severity = Severity.ERROR
    ) -> Iterator[Finding]:
        """Tell of something that only one of the two has; the other place is what it would stand in."""
        if here is not None and there is None:
            yield self._finding(f"{what} is not in the second source", here, here[:-1], key=True, severity=severity)
        elif here is None and there is not None:
            yield self._finding(f"{what} is in the second source only", there[:-1], there, key=True, severity=severity)

    def _finding(
        self,
        words: str,
        here: Path,
        there: Path,
        *,
        key: bool = False,
        regions: tuple[str, ...] = (),
        severity: Severity = Severity.ERROR,
    ) -> Finding:
        return Finding(
            code="REG012",
            message=words,
            place=self._mine.place(here, key=key),
            path=in_words(here, self._mine.source.data),
            severity=severity,
            regions=regions,
            related=(("the second source", self._theirs.place(there, key=key)),),
            help="look at what was published, and put right the one that is wrong",
        )


def _declared(regions: Regions, name: str) -> Path | None:
    """Return where a value is declared, or None where it is not."""
    if name in regions.kinds:
        return ("values", name)
    return ("everywhere", name) if name in regions.everywhere else None


def _way(regions: Regions, code: str, name: str) -> Path:
    return ("regions", code, name) if name in regions.regions[code].values else ("everywhere", name)


def _moments(regions: Regions, code: str, mine: Dated, theirs: Dated) -> list[str]:
    """Return when to compare: when the region begins to be offered, and at every date on which either value changes.

    Before it is offered only one of the two may have begun; nothing is asked of the other then.
    """
    offered = regions.regions[code].offered
    begins = offered.begins if offered is not None and offered.begins is not None else ALWAYS
    dates = {date for dated in (mine, theirs) for date, _value in dated.since if date > ALWAYS}
    early = {date for date in dates if date < begins and (mine.at(date) is None or theirs.at(date) is None)}
    return sorted({begins, *dates} - early)


def _in_force(way: Path, dated: Dated, date: str) -> Path:
    """Return the way to what is in force at a date; to the whole value before its first."""
    if dated.written_plain:
        return way
    begun = [since for since, _value in dated.since if since <= date]
    return (*way, "since", begun[-1]) if begun else way


def _compared(kind: str, value: str | int | bool | None) -> str | None:  # noqa: FBT001 (a value of the file)
    return None if value is None else same_text(kind, value)


def _said(value: str | int | bool | None) -> str:  # noqa: FBT001 (a value of the file)
    return "not there" if value is None else f"`{value}`"
