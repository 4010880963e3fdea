"""What must fit together within one playbook, whatever the region, the roster and the actions.

1. Steps: every id once, every name they use declared, and once in its list (SHP004, SHP008).
2. People: roles declared, two or more in a line of `separation`, thresholds within their sets (QUO001, QUO006, SHP002).
3. What starts and what ends: each subject declared, with the keys that fit it.
4. Values that people give: example and default fit their type (SHP006).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.document.fields import CardSetFigure, RecordFile, reference
from runner.document.kinds import answer_pattern_fault, misfit, pattern_fault
from runner.document.playbook import Ask, Condition, Part
from runner.template import is_template
from runner.values import outside

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from runner.document.findings import Path
    from runner.document.playbook import Kind, Playbook, State, Step
    from runner.document.shape import Report

_FITS = {
    "device": {"mode", "world"},
    "card set": {"written", "lost", "custody"},
    "artefact": {"at"},
    "medium": {"custody"},
}
_ARTICLES = {"device": "a", "card set": "a", "artefact": "an", "medium": "a"}
_WORDS = {
    "device": frozenset[str](),
    "card set": {"blank", "retired", "destroyed"},
    "artefact": {"destroyed"},
    "medium": frozenset[str](),
}
_NOT_AT_THE_START = {"custody"}


def check_playbook(playbook: Playbook, report: Report) -> None:
    """Write what does not fit together within `playbook` into `report`."""
    _steps(playbook, report)
    _people(playbook, report)
    _places(playbook, report)
    _brings(playbook, report)
    _ends(playbook, report)
    _values(playbook, report)


def _steps(playbook: Playbook, report: Report) -> None:
    seen: dict[str, int] = {}
    for position, _, step in playbook.numbered_steps():
        if step.id in seen:
            first = ("first used here", ("steps", seen[step.id], "id"))
            report.add("SHP004", f"a second step is called `{step.id}`", ("steps", position, "id"), related=[first])
        seen.setdefault(step.id, position)
    said: dict[str, int] = {}
    for position, line in enumerate(playbook.steps):
        if isinstance(line, Part):
            _line_names(playbook, line.station, line.quorum, position, report)
            if line.say is not None and line.part in said:
                first = ("first used here", ("steps", said[line.part], "part"))
                words = f"a second part with words of its own is called `{line.part}`"
                report.add("SHP004", words, ("steps", position, "part"), related=[first])
            elif line.say is not None:
                said[line.part] = position
    things = {*playbook.artefacts(), *playbook.card_sets}
    for position, part, step in playbook.numbered_steps():
        _line_names(playbook, step.station, step.quorum or {}, position, report)
        _step_names(playbook, part, step, position, report)
        _backups(step, position, seen, report)
        _destroyed(step, position, things, report)
        for key in ("uses", "changes"):
            for name, artefacts in getattr(step, key).items():
                _once(artefacts, ("steps", position, key, name), report)


def _line_names(
    playbook: Playbook, station: str | None, quorum: Mapping[str, int | CardSetFigure], position: int, report: Report
) -> None:
    if station is not None:
        report.declared("SHP008", "station", station, playbook.stations, path=("steps", position, "station"))
    for role, people in quorum.items():
        path: Path = ("steps", position, "quorum", role)
        report.declared("QUO006", "role", role, playbook.roles, path=path, key=True)
        if isinstance(people, CardSetFigure):
            report.declared("SHP008", "card set", people.card_set, playbook.card_sets, path=path)


def _step_names(playbook: Playbook, part: Part | None, step: Step, position: int, report: Report) -> None:
    here: Path = ("steps", position)
    if step.device is not None:
        report.declared("SHP008", "device", step.device, playbook.devices, path=(*here, "device"))
    if step.quorum is None and part is None:
        report.add("SHP002", "`quorum` is missing: who must be there", (*here, "id"), key=True)
    if step.station is None and (part is None or part.station is None) and len(playbook.stations) > 1:
        stations = ", ".join(playbook.stations)
        report.add(
            "SHP002", "`station` is missing, here and at the part", (*here, "id"), key=True, help_=f"one of: {stations}"
        )
    for setting, known, what in (
        ("medium", playbook.media, "medium"),
        ("to", playbook.stations, "station"),
        ("card_set", playbook.card_sets, "card set"),
    ):
        value = step.settings.get(setting)
        if isinstance(value, str) and "{{" not in value:
            report.declared("SHP008", what, value, known, path=(*here, "with", setting))
    for name, ask in step.asks.items():
        _kind(ask, (*here, "asks", name), report)


def _backups(step: Step, position: int, steps: Collection[str], report: Report) -> None:
    for artefact, produces in step.produces.items():
        deadline = produces.backup_before
        if deadline is not None and deadline != "end":
            path = ("steps", position, "produces", artefact, "backup_before")
            report.declared("SHP008", "step", deadline, steps, path=path)


def _destroyed(step: Step, position: int, things: Collection[str], report: Report) -> None:
    here: Path = ("steps", position)
    _once(step.destroys, (*here, "destroys"), report)
    for index, name in enumerate(step.destroys):
        written = report.source.data["steps"][position]["destroys"]
        path: Path = (*here, "destroys", index) if isinstance(written, list) else (*here, "destroys")
        report.declared("SHP008", "artefact or card set", name, things, path=path)


def _once(names: Sequence[str], path: Path, report: Report) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            first = ("first written here", (*path, names.index(name)))
            report.add("SHP004", f"`{name}` is in this list twice", (*path, index), related=[first])


def _people(playbook: Playbook, report: Report) -> None:
    for name, card_set in playbook.card_sets.items():
        here: Path = ("card_sets", name)
        report.declared("QUO006", "role", card_set.held_by, playbook.roles, path=(*here, "held_by"))
        if card_set.threshold > card_set.cards:
            message = f"{card_set.threshold} cards are needed, and the set has {card_set.cards}"
            report.add("QUO001", message, (*here, "threshold"), related=[("its cards", (*here, "cards"))])
    for row, line in enumerate(playbook.separation):
        if len(line) == 1:
            words = f"`{line[0]}` alone excludes nobody"
            report.add("SHP002", words, ("separation", row), help_="write the roles that exclude each other")
        elif not line:
            report.add("SHP002", "this line has no roles", ("separation", row))
        for column, role in enumerate(line):
            path: Path = ("separation", row, column)
            report.declared("QUO006", "role", role, playbook.roles, path=path)
            if role in line[:column]:
                report.add("SHP004", f"`{role}` is in this line twice", path)


def _places(playbook: Playbook, report: Report) -> None:
    for name, device in playbook.devices.items():
        report.declared("SHP008", "station", device.at, playbook.stations, path=("devices", name, "at"))
    for name, medium in playbook.media.items():
        report.declared("SHP008", "station", medium.at, playbook.stations, path=("media", name, "at"))
    if playbook.follows is not None:
        dates = [playbook.follows.edition, *playbook.follows.also]
        for index, date in enumerate(playbook.follows.also):
            if date in dates[: index + 1]:
                report.add("SHP004", f"the edition {date} is named twice", ("follows", "also", index))
    for index, language in enumerate(playbook.languages):
        if language in playbook.languages[:index]:
            report.add("SHP004", f"`{language}` is named twice", ("languages", index))


def _brings(playbook: Playbook, report: Report) -> None:
    for name, brought in playbook.brings.items():
        report.declared("SHP008", "station", brought.at, playbook.stations, path=("brings", name, "at"))
        if isinstance(found := reference(brought.sha256), RecordFile):
            report.declared("TPL010", "record", found.record, playbook.records, path=("brings", name, "sha256"))
        elif not is_template(brought.sha256) and (reason := misfit("sha256", brought.sha256)):
            report.add("SHP006", f"this {reason}", ("brings", name, "sha256"))
        if brought.backup_before not in (None, "end"):
            steps = [step.id for _, _, step in playbook.numbered_steps()]
            path: Path = ("brings", name, "backup_before")
            report.declared("SHP008", "step", brought.backup_before, steps, path=path)


def _ends(playbook: Playbook, report: Report) -> None:
    made = {*playbook.artefacts()}
    for moment, states in (("starts_with", playbook.starts_with), ("ends_with", playbook.ends_with)):
        artefacts = {*made, *playbook.media} if moment == "ends_with" else set[str]()
        known = {*playbook.devices, *playbook.card_sets, *artefacts}
        for subject, state in states.items():
            path: Path = (moment, subject)
            what = "device, card set, artefact or medium" if artefacts else "device or card set"
            if not report.declared("SHP008", what, subject, known, path=path, key=True):
                continue
            kinds = (("device", playbook.devices), ("card set", playbook.card_sets), ("artefact", made))
            kind = next((kind for kind, ids in kinds if subject in ids), "medium")
            _state(playbook, kind, state, path, report)


def _state(playbook: Playbook, kind: str, state: State, path: Path, report: Report) -> None:
    fitting = _FITS[kind] - (_NOT_AT_THE_START if path[0] == "starts_with" else set())
    if not isinstance(state, Condition):
        if state not in _WORDS[kind]:
            keys = ", ".join(sorted(fitting))
            report.add(
                "SHP003", f"`{state}` is no state of {_ARTICLES[kind]} {kind}", path, help_=f"write {{{keys}: …}}"
            )
        return
    given = [key for key in ("mode", "world", "at", "written", "lost", "custody") if getattr(state, key) is not None]
    for key in given:
        if key not in fitting:
            fits = ", ".join(sorted(fitting))
            report.add(
                "SHP001",
                f"there is no `{key}` for {_ARTICLES[kind]} {kind}",
                (*path, key),
                key=True,
                help_=f"one of: {fits}",
            )
    if not given:
        report.add("SHP002", f"the state of this {kind} is missing", path, help_=_listed(fitting))
    if state.world is not None and kind == "device":
        report.declared("SHP008", "world", state.world, {"none", "any", *playbook.card_sets}, path=(*path, "world"))
    if state.at is not None and kind == "artefact":
        report.declared("SHP008", "station", state.at, playbook.stations, path=(*path, "at"))


def _listed(names: Iterable[str]) -> str:
    return "one of: " + ", ".join(sorted(names))


def _values(playbook: Playbook, report: Report) -> None:
    for name, trust in playbook.trust.items():
        reason = "" if is_template(trust.value) else misfit(trust.type, trust.value)
        if reason:
            report.add("SHP006", f"this {reason}", ("trust", name, "value"))
    for name, parameter in playbook.parameters.items():
        path: Path = ("parameters", name)
        _kind(parameter, path, report)
        if parameter.default is not None:
            _fits(parameter, parameter.default, (*path, "default"), report)


def _kind(kind: Kind, path: Path, report: Report) -> None:
    if kind.type == "choice" and not kind.of:
        report.add("SHP002", "`of` is missing: what can be chosen", (*path, "type"), key=True)
    if kind.type != "choice" and kind.of:
        report.add("SHP006", "`of` is for the type choice", (*path, "of"), key=True)
    for bound, fits in (("at_least", "whole"), ("at_most", "whole"), ("pattern", "text"), ("max_length", "text")):
        if getattr(kind, bound) is not None and kind.type != fits:
            report.add("SHP006", f"`{bound}` is for the type {fits}", (*path, bound), key=True)
    if kind.at_least is not None and kind.at_most is not None and kind.at_least > kind.at_most:
        report.add("SHP006", "`at_least` is more than `at_most`", (*path, "at_least"))
    if kind.pattern is not None and (reason := _pattern_fault(kind, kind.pattern)):
        report.add("SHP006", reason, (*path, "pattern"))
    if kind.example is not None:
        _fits(kind, kind.example, (*path, "example"), report)


def _pattern_fault(kind: Kind, pattern: str) -> str:
    return pattern_fault(pattern) or (answer_pattern_fault(pattern) if isinstance(kind, Ask) else "")


def _unsound(kind: Kind) -> bool:
    """Say whether nothing could fit: a kind with a fault of its own is told once, at that fault."""
    crossed = kind.at_least is not None and kind.at_most is not None and kind.at_least > kind.at_most
    unread = kind.pattern is not None and _pattern_fault(kind, kind.pattern) != ""
    return crossed or unread or (kind.type == "choice" and not kind.of)


def _fits(kind: Kind, value: str | int | bool, path: Path, report: Report) -> None:  # noqa: FBT001 (a value of the file)
    if _unsound(kind):
        return
    if reason := given_misfit(kind, value):
        report.add("SHP006", f"this {reason}", path)


def given_misfit(kind: Kind, value: str | int | bool) -> str:  # noqa: FBT001 (a value somebody gave)
    """Return why a value does not fit a parameter, or an example its question; "" where it does. SHP006."""
    return misfit(kind.type, value) or outside(kind, value)
