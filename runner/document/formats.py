"""Which kind of file it is that was named; of another kind, it is not read any further."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args

if TYPE_CHECKING:
    from runner.document.shape import Report, Written
    from runner.document.source import Source

_FILES: Final = {
    "ceremony": "a playbook",
    "environment": "an environment",
    "faults": "a file of faults",
    "plan": "a plan",
    "regions": "a regions file",
    "replay": "a replay file",
    "roster": "a roster",
    "texts": "a file of texts",
}
"""What the files are called whose `format` begins with this word."""

_FEW: Final = 2
"""A file without a format, and with fewer keys than these of the wanted kind, is of another kind."""


def format_of(model: type[Written]) -> str:
    """Return what `format` is in files of a kind, such as `ceremony/1`."""
    wanted: str = get_args(model.model_fields["format"].annotation)[0]
    return wanted


def is_of_its_kind(model: type[Written], source: Source, report: Report) -> bool:
    """SHP003, SHP002: the file is a mapping of this kind; of another kind, all else about it would be a fault, too."""
    wanted = format_of(model)
    data = source.data
    if not isinstance(data, dict):
        report.add("SHP003", "the file must be a mapping of names to values", (), help_=f"begin with format: {wanted}")
        return False
    kind = _FILES[wanted.partition("/")[0]]
    written = data.get("format")
    if isinstance(written, str) and "/" in written and written.partition("/")[0] != wanted.partition("/")[0]:
        other = _FILES.get(written.partition("/")[0], "a file of another kind")
        report.add("SHP003", f"this is {other} ({written}), and {kind} ({wanted}) is read here", ("format",))
        return False
    if "format" not in data and len(data.keys() & model.model_fields.keys()) < _FEW:
        report.add("SHP002", f"this is not {kind}: `format` is missing", (), help_=f"begin with format: {wanted}")
        return False
    return True
