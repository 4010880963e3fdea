"""The base of every document's model, and the way from the library's errors to findings in the author's words.

One cause gives one message: of several complaints about the same key only the first is kept, and a mapping with unknown
keys is not also blamed for what it lacks when a closest name explains both.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, ValidationError

from runner.document.findings import Finding, Path, Place, Severity, in_order
from runner.document.fixes import renaming
from runner.document.formats import format_of, is_of_its_kind
from runner.document.known import keys_at
from runner.document.ways import author_path, in_words, left_empty, other_form, value_at, without, without_space
from runner.vocabulary import meant, misspelling

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from pydantic_core import ErrorDetails

    from runner.document.source import Source

_LISTS: Final = ("list_type", "tuple_type", "iterable_type")
_KINDS: Final = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "mapping_type": "a mapping of names to values",
    "dict_type": "a mapping of names to values",
    "model_type": "a mapping of names to values",
    "model_attributes_type": "a mapping of names to values",
}


class Written(BaseModel):
    """A part of a document as its author wrote it: nothing unknown, nothing converted, nothing changed later.

    Modules with many of these do not postpone annotations: the library would have to compile each one again.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


D = TypeVar("D")


class Parsed(Struct, Generic[D], frozen=True, kw_only=True):
    """What parsing a document gave.

    Attributes:
        source: the file, for the places of values.
        draft: the document where its shape is right, even if names in it do not fit together; for further checks only.
        findings: everything that is wrong, in file order.
    """

    source: Source
    draft: D | None
    findings: tuple[Finding, ...]

    @property
    def value(self) -> D | None:
        """The document, or None where any finding is an error."""
        wrong = any(finding.severity is Severity.ERROR for finding in self.findings)
        return None if wrong else self.draft

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Return the place of the value at `path` (or of its key), or of the nearest value around it."""
        return self.source.place_of(path, key=key)


class Report:
    """Findings about one source, with places and paths filled in; `choices` has what can be written for some keys."""

    def __init__(self, source: Source, *, choices: Mapping[str, Collection[str]] = MappingProxyType({})) -> None:
        self.source = source
        self.choices = choices
        self._findings: list[Finding] = []

    def add(
        self,
        code: str,
        message: str,
        path: Path,
        *,
        key: bool = False,
        help_: str = "",
        related: Iterable[tuple[str, Path]] = (),
        regions: Iterable[str] = (),
        severity: Severity = Severity.ERROR,
        within: tuple[int, int] | None = None,
        instead: tuple[str, str] | None = None,
        also: tuple[str, ...] = (),
    ) -> None:
        """Write down a fault of the value at `path`, of the key it ends with, or of some characters within its text.

        Args:
            code: the rule.
            message: what is wrong.
            path: the way to the value.
            key: the fault is the key's.
            help_: what to write instead.
            related: other places that matter, each with a word on why.
            regions: the regions it holds in.
            severity: how much it weighs.
            within: offset and length of the characters of the text that are at fault.
            instead: the characters that are wrong there, and what they certainly should be.
            also: ids of other steps for which the same is so.
        """
        place = self.source.place_of(path, key=key)
        if within is not None:
            place = self.source.place_within(path, *within)
        fixes = () if instead is None else renaming(self.source.lines, place, *instead)
        self._findings.append(
            Finding(
                code=code,
                message=message,
                place=place,
                path=in_words(path, self.source.data),
                severity=severity,
                regions=tuple(sorted(regions)),
                related=tuple((why, self.source.place_of(other)) for why, other in related),
                help=help_,
                fixes=fixes,
                also=also,
            )
        )

    def declared(
        self,
        code: str,
        what: str,
        name: str,
        known: Collection[str],
        *,
        path: Path,
        key: bool = False,
        certain: bool = False,
    ) -> bool:
        """Report a name at `path` that is not among those known, with the closest that is; return whether it is.

        A fix comes with it only where a misspelling is `certain` to be one: who acts and where is for a person to say.
        """
        if name in known:
            return True
        near = meant(name, known)
        advice = f"write `{near}`" if near else _listing(known)
        sure = misspelling(name, known) if certain else ""
        instead = (name, sure) if sure else None
        self.add(code, f"there is no {what} `{name}`", path, key=key, help_=advice, instead=instead)
        return False

    def findings(self) -> tuple[Finding, ...]:
        """Return what was written down, in file order."""
        return tuple(in_order(self._findings))


def validated(model: type[D], source: Source, report: Report) -> D | None:
    """Return the document in `source` as `model`, or None with the faults of its shape in `report`.

    Where unknown keys are all that is wrong, they are reported and the document is returned without them, so that the
    author sees its other faults at the same time; but not where one was meant to be a key that is now missing, since
    whatever leans on that would be blamed too.
    """
    assert issubclass(model, Written)  # noqa: S101 (every document is one)
    if source.findings or not is_of_its_kind(model, source, report) or not _is_filled_in(source, report):
        return None
    try:
        return model.model_validate(source.data)
    except ValidationError as fault:
        _translate(fault, model, report)
        errors = fault.errors(include_url=False, include_input=False)
    if any(error["type"] != "extra_forbidden" or _meant(error, model, source.data) for error in errors):
        return None
    rest = without(source.data, {author_path(error["loc"], source.data) for error in errors})
    try:
        return model.model_validate(rest)
    except ValidationError:  # a key that was misspelt is also one that is missing; it was told with its closest name
        return None


def _meant(error: ErrorDetails, model: type[Written], data: Any) -> bool:
    """Say whether an unknown key was meant to be one that is not there."""
    path = author_path(error["loc"], data)
    return meant(str(path[-1]), keys_at(model, error["loc"][:-1]) - set(_keys_of(data, path[:-1]))) != ""


def _is_filled_in(source: Source, report: Report) -> bool:
    """SHP003: no value in the file was left empty."""
    empty = list(left_empty(source.data))
    for path in empty:
        report.add("SHP003", "a value is missing here", path, key=True, help_="write one, or remove the key")
    return not empty


def _translate(fault: ValidationError, model: type[Written], report: Report) -> None:
    details = fault.errors(include_url=False, include_input=True)
    spelled: dict[Path, set[str]] = {}
    told: set[Path] = set()
    for error in details:
        if error["type"] == "extra_forbidden":
            path = author_path(error["loc"], report.source.data)
            known = keys_at(model, error["loc"][:-1])
            missing = known - set(_keys_of(report.source.data, path[:-1]))  # what is there is hardly meant
            near = meant(str(path[-1]), missing) or meant(str(path[-1]), known)
            others = spelled.setdefault(path[:-1], set())
            certain = misspelling(str(path[-1]), known)
            free = certain != "" and certain not in others and certain not in _keys_of(report.source.data, path[:-1])
            others.add(near)
            told.add(path)
            advice = f"write `{near}`" if near else _listing(known)
            instead = (str(path[-1]), certain) if free else None
            report.add("SHP001", f"there is no `{path[-1]}` here", path, key=True, help_=advice, instead=instead)
    for error in details:
        path = author_path(error["loc"], report.source.data)
        if error["type"] == "extra_forbidden" or path in told:
            continue
        if error["type"] == "missing" and str(path[-1]) in spelled.get(path[:-1], ()):
            continue
        told.add(path)
        if path == ("format",) and error["type"] == "missing":
            _missing(path, report, f"begin with format: {format_of(model)}")
        elif error["type"] in _LISTS and (words := _words_at(report.source.data, path)):
            told.update((*path[:-1], index) for index in range(len(words)))
            advice = f"write [[{', '.join(words)}]], or a line `- [{', '.join(words)}]`"
            report.add("SHP003", "this must be a list of lists", path[:-1], help_=advice)
        else:
            _tell(error, path, report)


def _words_at(data: Any, path: Path) -> list[str]:
    """Return the list that holds the value at `path`, where it has words and nothing else; else nothing."""
    around = value_at(data, path[:-1])
    plain = isinstance(around, list) and all(isinstance(item, str) for item in around)
    return around if plain else []


def _listing(known: Iterable[str]) -> str:
    names = sorted(known)
    return "one of: " + ", ".join(names) if names else ""


def _tell(error: ErrorDetails, path: Path, report: Report) -> None:
    kind = error["type"]
    context = error.get("ctx", {})
    at_key = bool(error["loc"]) and error["loc"][-1] == "[key]"
    if kind == "missing":
        _missing(path, report, _listing(report.choices.get(str(path[-1]), ())))
    elif kind == "ceremony":
        report.add(context["code"], context["message"], path, key=at_key, help_=context["help"])
    elif kind == "literal_error":
        expected, advice = context["expected"], other_form(error["input"], context["expected"])
        report.add("SHP003", f"this must be {_choices(expected)}", path, key=at_key, help_=advice)
    elif kind == "too_short":
        if not value_at(report.source.data, path):  # else, those that there are have faults of their own
            report.add("SHP002", "there must be at least one here", path)
    elif kind in _LISTS:
        report.add("SHP003", "this must be a list", path, key=at_key, help_=without_space(error["input"]))
    elif kind in _KINDS:
        report.add("SHP003", f"this must be {_KINDS[kind]}", path, key=at_key)
    else:
        report.add("SHP003", "this does not fit here", path, key=at_key)


def _choices(expected: str) -> str:
    return expected.replace("'", "`")


def _missing(path: Path, report: Report, advice: str) -> None:
    """Report what is missing at the key that should hold it, or at the first line of its list item."""
    around, name = path[:-1], str(path[-1])
    if around and isinstance(around[-1], int):
        data = value_at(report.source.data, around)
        first = next(iter(data), None) if isinstance(data, dict) else None
        if first is not None:
            report.add("SHP002", f"`{name}` is missing", (*around, first), key=True, help_=advice)
            return
    report.add("SHP002", f"`{name}` is missing", around, key=True, help_=advice)


def _keys_of(data: Any, path: Path) -> Collection[str]:
    there = value_at(data, path)
    return there.keys() if isinstance(there, dict) else ()
