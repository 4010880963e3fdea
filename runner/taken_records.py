"""Earlier records held to a playbook: all that it names, each of the ceremony it says, each saying which it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from runner.errors import PlaybookFault, WrongUse

if TYPE_CHECKING:
    from runner.document.playbook import Playbook
    from runner.plan import EarlierRecord

_CEREMONY: Final = re.compile("[0-9a-f]{32}")
_ORIGIN: Final = re.compile(r"[^\s+]+")
_ROOT: Final = re.compile("[0-9A-Za-z+/]{43}=")
"""32 bytes in base64."""


def require_records(playbook: Playbook, records: tuple[EarlierRecord, ...]) -> None:
    """LOG020: there is a record for each that the playbook names, each of the ceremony it says.

    Raises:
        WrongUse: one is missing.
        PlaybookFault: one is of another ceremony, or does not say which it is.
    """
    there = {record.name: record.playbook for record in records}
    for name, written in playbook.records.items():
        if name not in there:
            raise WrongUse(f"{written.ask}: --record {name}=FOLDER,TRUSTFILE", rule="LOG020")
        if there[name] != written.ceremony:
            words = f"the record `{name}` is one of the ceremony `{there[name]}`, not of `{written.ceremony}`"
            raise PlaybookFault(words, rule="LOG020")
    if not all(_is_one(record) for record in records):
        raise PlaybookFault("an earlier record does not say which it is", rule="LOG020")


def _is_one(record: EarlierRecord) -> bool:
    """Say whether a record, which a plan may have brought, names its ceremony and its checkpoint as records do."""
    named = _CEREMONY.fullmatch(record.ceremony) and _ORIGIN.fullmatch(record.origin) and _ROOT.fullmatch(record.root)
    return named is not None and record.size > 0
