"""What must hold within a regions file: every value of the right kind at every date, none missing, none confused.

1. Each region: offered or not (REG008), nothing undeclared (REG002), nothing missing from `from` on (REG001).
2. Each value, at every date: its kind (REG006), not before the region is offered without a reason (REG009), no way back
   to an older value (REG011).
3. Between regions: what is distinct is distinct at every moment, and what is shared is the same (REG003, REG010).
4. No braces: templates take values from here, and nothing is filled into those (TPL002).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.document.kinds import misfit, pattern_fault, same_text
from runner.document.regions import ALWAYS
from runner.document.templated import templates_in
from runner.template import is_template
from runner.vocabulary import closest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.document.findings import Path
    from runner.document.regions import Dated, Region, Regions, ValueKind
    from runner.document.shape import Report


def check_regions(regions: Regions, report: Report) -> None:
    """Write what does not hold in `regions` into `report`."""
    _nothing_filled_in(report)
    good = _kinds(regions, report)
    for name, dated in regions.everywhere.items():
        _dated(good.get(name), name, dated, ("everywhere", name), report)
    for code, region in regions.regions.items():
        _region(regions, code, region, report)
        for name, dated in region.values.items():
            if name in regions.kinds:
                _dated(good.get(name), name, dated, ("regions", code, name), report)
        _shares(regions, code, region, report)
    for name, kind in good.items():
        if kind.distinct:
            _distinct(regions, name, kind, report)
    for date, edition in regions.editions.items():
        if edition.replaced_by is not None:
            report.declared(
                "REG005", "edition", edition.replaced_by, regions.editions, path=("editions", date, "replaced_by")
            )


def _nothing_filled_in(report: Report) -> None:
    """TPL002: no text has a template in it; patterns have braces of their own."""
    for path, _text in templates_in(report.source.data):
        if path[0] != "values":
            report.add("TPL002", "nothing is filled in here", path, help_="write the words themselves")


def _kinds(regions: Regions, report: Report) -> Mapping[str, ValueKind]:
    """Return the kinds whose own pattern is sound; a bad pattern is one finding, not one per region."""
    good: dict[str, ValueKind] = {}
    for name, kind in regions.kinds.items():
        reason = pattern_fault(kind.pattern) if kind.pattern is not None else ""
        if reason:
            report.add("REG006", reason, ("values", name, "pattern"))
        else:
            good[name] = kind
    return good


def _region(regions: Regions, code: str, region: Region, report: Report) -> None:
    here: Path = ("regions", code)
    for name in region.values:
        if name in regions.everywhere:
            report.add(
                "REG002", f"`{name}` is the same everywhere, and written for this region too", (*here, name), key=True
            )
        elif name not in regions.kinds:
            near = closest(name, regions.kinds)
            advice = f"write `{near}`" if near else "declare it in values:"
            report.add("REG002", f"no value is called `{name}`", (*here, name), key=True, help_=advice)
    offered = region.offered
    if offered is None:
        message = f"it is not said whether the procedure is offered in `{code}`"
        report.add(
            "REG008", message, here, key=True, help_='write offered: {from: "2026-01-31"}, or {never: true, because: …}'
        )
        return
    if offered.begins is None:
        return
    given = regions.of(code)
    misspelt = {closest(name, regions.kinds) for name in region.values if name not in regions.names()}
    for name in sorted({*regions.kinds, *regions.everywhere} - misspelt):
        if name not in given:
            report.add("REG001", f"`{name}` is missing in `{code}`", here, key=True)
        elif given[name].at(offered.begins) is None:
            first = given[name].since[0][0]
            message = f"`{code}` is offered from {offered.begins}, and its `{name}` begins on {first}"
            path: Path = (*here, name) if name in region.values else ("everywhere", name)
            report.add("REG001", message, path, key=True, related=[("offered from", (*here, "offered", "from"))])
    if offered.because is None:
        _too_early(region, offered.begins, here, report)


def _too_early(region: Region, begins: str, here: Path, report: Report) -> None:
    for name, dated in region.values.items():
        date = dated.since[0][0]
        if ALWAYS < date < begins:
            message = f"this value is dated {date}, before the region is offered on {begins}"
            report.add("REG009", message, (*here, name, "since", date), key=True, help_="say why in offered: because:")


def _dated(kind: ValueKind | None, name: str, dated: Dated, path: Path, report: Report) -> None:
    """Check one value at each of its dates, and the order of what it was."""
    older: dict[str, str] = {}
    before = ""
    for date, value in dated.since:
        at: Path = path if dated.written_plain else (*path, "since", date)
        reason = misfit(kind.type, value, kind.pattern) if kind is not None and not is_template(value) else ""
        if reason:
            report.add("REG006", f"`{name}` {reason}", at)
        spelling = same_text(kind.type if kind else "text", value)
        if spelling in older and spelling != before:
            first: Path = (*path, "since", older[spelling])
            report.add(
                "REG011",
                f"`{name}` goes back to what it was on {older[spelling]}",
                at,
                related=[("written here", first)],
            )
        older.setdefault(spelling, date)
        before = spelling


def _shares(regions: Regions, code: str, region: Region, report: Report) -> None:
    for name, other in region.shares.items():
        path: Path = ("regions", code, "shares", name)
        if not report.declared("REG002", "value", name, regions.kinds, path=path, key=True):
            continue
        if not report.declared("REG010", "region", other, regions.regions, path=path):
            continue
        mine, theirs = region.values.get(name), regions.regions[other].values.get(name)
        if mine is None or theirs is None or region.offered is None:
            continue
        kind = regions.kinds[name].type
        for date in _moments(regions, name):
            here, there = mine.at(date), theirs.at(date)
            if here is not None and there is not None and same_text(kind, here) != same_text(kind, there):
                message = f"`{name}` is said to be that of `{other}`, and is not"
                report.add("REG003", message, ("regions", code, name), related=[("it is", ("regions", other, name))])
                break


def _distinct(regions: Regions, name: str, kind: ValueKind, report: Report) -> None:
    """REG003: at no moment do two regions have the same value, unless one says that it shares the other's."""
    told: set[tuple[str, str]] = set()
    for date in _moments(regions, name):
        holders: dict[str, str] = {}
        for code, region in regions.regions.items():
            value = region.values[name].at(date) if name in region.values else None
            if value is None:
                continue
            first = holders.setdefault(same_text(kind.type, value), code)
            if first == code or (first, code) in told or _may_share(regions, name, first, code):
                continue
            told.add((first, code))
            since = "" if date == ALWAYS else f" on {date}"
            message = f"`{name}` is the same in `{first}` and `{code}`{since}"
            path, other = _place_at(regions, code, name, date), _place_at(regions, first, name, date)
            report.add("REG003", message, path, related=[(f"in `{first}`", other)])


def _may_share(regions: Regions, name: str, one: str, other: str) -> bool:
    """Return whether one says that it shares the other's; a share with a region there is not has its own finding."""
    ones, others = regions.regions[one].shares, regions.regions[other].shares
    if any(shares.get(name, one) not in regions.regions for shares in (ones, others)):
        return True
    return ones.get(name) == other or others.get(name) == one or (name in ones and ones[name] == others.get(name))


def _moments(regions: Regions, name: str) -> list[str]:
    """Return every date on which the value changes anywhere, ascending."""
    values = [region.values[name] for region in regions.regions.values() if name in region.values]
    return sorted({date for dated in values for date, _ in dated.since})


def _place_at(regions: Regions, code: str, name: str, date: str) -> Path:
    dated = regions.regions[code].values[name]
    if dated.written_plain:
        return ("regions", code, name)
    begins = max(begins for begins, _ in dated.since if begins <= date)
    return ("regions", code, name, "since", begins)
