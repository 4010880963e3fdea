"""What must hold of the texts that people hear and read, in the playbook and in its other languages.

1. Exact words are no prose: file names, options and digests stand in braces, so that no translation changes them
   (TXT002).
2. A texts file is for this playbook, in one of its further languages, and has texts only of what is there (SHP008).
3. It has every text (TXT001), and each takes the values that the playbook's own text takes (TXT003).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from runner import template
from runner.document.templated import check_text, known_names
from runner.document.texts import STEP_TEXTS, people_texts
from runner.expression import parse
from runner.vocabulary import closest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from runner.document.findings import Path
    from runner.document.playbook import Playbook
    from runner.document.regions import Regions
    from runner.document.shape import Report
    from runner.document.texts import PeopleText, StepTexts, Texts

_TEMPLATE: Final = re.compile(r"\{\{[\s\S]*?\}\}")
_LITERALS: Final = (
    ("a digest", re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8,}(?![0-9A-Za-z])")),
    ("an option", re.compile(r"(?<![\w-])--?[A-Za-z][\w-]*", re.ASCII)),
    ("a file", re.compile(r"(?<![\w.-])\w[\w-]*(?:\.[\w-]+)*\.[A-Za-z][A-Za-z0-9]{1,7}(?![\w-])", re.ASCII)),
)
"""What may not stand in prose: 8 and more hex digits, a word that begins with a dash, a name with an ending."""


def check_prose(playbook: Playbook, report: Report) -> None:
    """Write every exact word that stands outside braces in a text of the playbook into `report`: TXT002."""
    for text in people_texts(playbook):
        if not parse(text.written).problems:
            _prose(text.written, text.path, report)


class Original(Struct, frozen=True, kw_only=True):
    """What a texts file is for: the playbook, the name of its file, its regions, and the language.

    Without the regions, region values in templates are unchecked.
    """

    playbook: Playbook
    file: str
    regions: Regions | None
    language: str


def check_texts(texts: Texts, original: Original, report: Report) -> None:
    """Write what does not hold of the texts of a playbook in another language into `report`."""
    for key, there, wanted in (("of", texts.of, original.file), ("language", texts.language, original.language)):
        if there != wanted:
            report.add("SHP008", f"this file should be for `{wanted}`", (key,), help_=f"write `{wanted}`")
    every = {text.elsewhere: text for text in people_texts(original.playbook)}
    known = known_names(original.playbook, original.regions)
    told = _strangers(texts, every, report)
    wholes: dict[str, dict[str, None]] = {}
    for path, text in every.items():
        found = texts.at(path)
        if found is None:
            if path[:2] in told:
                continue
            if path[0] == "parts" or (path[0] == "steps" and path[1] not in texts.steps):
                wholes.setdefault(path[0], {})[str(path[1])] = None
            else:
                _missing(path, report)
        elif check_text(path, found, known, report):
            if not template.problems(text.written, known):  # else the playbook is at fault, and told so
                _same_values(text, found, path, report)
            _prose(found, path, report)
    _missing_wholes(wholes, report)


def _strangers(texts: Texts, wanted: Mapping[Path, PeopleText], report: Report) -> set[Path]:
    """SHP008: a part, a step, or a text of a step that the playbook does not have.

    Returns:
        The parts and steps that these were most likely meant to be; that they are missing is the same fault.
    """
    parts = {str(path[1]) for path in wanted if path[0] == "parts"}
    steps = {str(path[1]) for path in wanted if path[0] == "steps"}
    meant: set[Path] = set()
    for heading in texts.parts:
        if not report.declared("SHP008", "part", heading, parts, path=("parts", heading), key=True):
            meant.add(("parts", closest(heading, parts)))
    for heading in texts.parts_say:
        path: Path = ("parts_say", heading)
        if not report.declared("SHP008", "part", heading, parts, path=path, key=True):
            meant.add(("parts_say", closest(heading, parts)))
        elif path not in wanted:
            report.add("SHP008", f"the part “{heading}” has no `say` in the playbook", path, key=True)
    for step, own in texts.steps.items():
        if not report.declared("SHP008", "step", step, steps, path=("steps", step), key=True):
            meant.add(("steps", closest(step, steps)))
            continue
        for path in _written(step, own):
            if path not in wanted:
                report.add("SHP008", f"`{step}` has no `{path[-1]}` in the playbook", path, key=True)
    return meant


def _written(step: str, own: StepTexts) -> Iterator[Path]:
    for key in STEP_TEXTS:
        if getattr(own, key) is not None:
            yield ("steps", step, key)
    for name in own.asks:
        yield ("steps", step, "asks", name)


def _missing_wholes(wholes: Mapping[str, Collection[str]], report: Report) -> None:
    """TXT001: the headings, and the steps of which nothing is there; all of a kind are told at once."""
    if steps := [f"`{step}`" for step in wholes.get("steps", ())]:
        several = "s" if len(steps) > 1 else ""
        report.add("TXT001", f"the texts of the step{several} {', '.join(steps)} are missing", ("steps",), key=True)
    if headings := [f"“{heading}”" for heading in wholes.get("parts", ())]:
        which = "headings {} are" if len(headings) > 1 else "heading {} is"
        report.add("TXT001", f"the {which.format(', '.join(headings))} missing", ("parts",), key=True)


def _missing(path: Path, report: Report) -> None:
    """TXT001: one text of the ceremony, of a step, or of a part."""
    match path:
        case ("steps", str(step), "asks", str(name)):
            report.add("TXT001", f"the question for `{name}` is missing", ("steps", step), key=True)
        case ("steps", str(step), str(key)):
            report.add("TXT001", f"`{key}` is missing", ("steps", step), key=True)
        case ("parts_say", str(heading)):
            words = f"what is read out under the heading “{heading}” is missing"
            report.add("TXT001", words, ("language",), key=True)
        case _:
            report.add("TXT001", "`title` is missing", ("language",), key=True)


def _same_values(text: PeopleText, found: str, path: Path, report: Report) -> None:
    """TXT003."""
    here, there = template.names_in(found), template.names_in(text.written)
    changes = [
        f"{verb} " + ", ".join(f"{root}.{name}" for root, name in sorted(names))
        for verb, names in (("leaves out", there - here), ("adds", here - there))
        if names
    ]
    if changes:
        report.add("TXT003", f"this {' and '.join(changes)}", path, help_=f"the playbook has: {text.written}")


def _prose(text: str, path: Path, report: Report) -> None:
    """TXT002: the first exact word of a text that stands outside braces."""
    prose = _TEMPLATE.sub(lambda match: " " * len(match[0]), text)
    found = [(match.start(), what, match[0]) for what, literal in _LITERALS for match in literal.finditer(prose)]
    if found:
        offset, what, word = min(found)
        message = f"`{word}` is {what}, which no translation may change"
        advice = "give it a name in `names`, and write {{ names.NAME }} here"
        report.add("TXT002", message, path, help_=advice, within=(offset, len(word)))
