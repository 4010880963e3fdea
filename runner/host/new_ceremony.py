"""A ceremony to begin with: playbook, roster, replay file and schemas in a folder of their own.

The files come from `runner/new.d`, where words between two `@` stand for what is given. They are linted before any of
them is written.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from runner.actions.registry import BY_NAME
from runner.document.parse import parse_playbook, parse_roster
from runner.document.source import read_source
from runner.errors import PlaybookFault, WrongUse
from runner.host.clock import in_a_year, today
from runner.linting import lint
from runner.planning import Documents
from runner.schemas import NAMES, file_name, schema_text
from runner.vocabulary import ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.host.disk import Disk

SEATS: Final[Mapping[str, str]] = {
    "approver": "Who approves the plan?",
    "operator": "Who operates the HSM?",
    "witness": "Who is the witness?",
    "holder_1": "Who holds the first administrator card?",
    "holder_2": "Who holds the second?",
    "holder_3": "Who holds the third?",
}
"""The people it needs, each with the question for their name."""

_TEMPLATES: Final = Path(__file__).resolve().parents[1] / "new.d"
_WORD: Final = re.compile(r"@(\w+)@")


class Wanted(Struct, frozen=True, kw_only=True):
    """What a new ceremony is made of: its id, title and owner, and the names of its people by their `SEATS`."""

    name: str
    title: str
    owner: str
    people: Mapping[str, str]


def require_name(name: str) -> None:
    """Find out whether a ceremony can be called so.

    Raises:
        WrongUse: it cannot.
    """
    if not re.fullmatch(ID, name):
        raise WrongUse(f"a ceremony cannot be called {name}: lower-case letters, digits and dashes, a letter first")


def new_files(disk: Disk, wanted: Wanted) -> dict[str, bytes]:
    """Return the files of a new ceremony by their path in its folder.

    Raises:
        WrongUse: something given cannot be printed, or two people have one name.
        PlaybookFault: with what was given it would not lint clean.
    """
    words = {"title": wanted.title, "owner": wanted.owner, **wanted.people}
    for name, text in words.items():
        if not text.isprintable():
            raise WrongUse(f"what was given for {name} holds a character that cannot be printed")
    if len({name.casefold() for name in wanted.people.values()}) < len(SEATS):
        raise WrongUse("two of the people have one name; nobody acts in two roles")
    given = {name: json.dumps(text, ensure_ascii=False) for name, text in words.items()}  # as YAML quotes it, too
    given |= {"NAME": wanted.name, "review_by": in_a_year()}
    files = {
        f"{wanted.name}.{template}": _WORD.sub(
            lambda word: given[word[1]], disk.read(_TEMPLATES / template).decode()
        ).encode()
        for template in disk.list(_TEMPLATES)
    }
    _require_clean(wanted.name, files)
    return files | {f"schemas/{file_name(kind)}": schema_text(kind).encode() for kind in NAMES}


def _require_clean(name: str, files: Mapping[str, bytes]) -> None:
    playbook, roster = (read_source(file, files[file]) for file in (f"{name}.ceremony.yaml", f"{name}.roster.yaml"))
    parsed = parse_playbook(playbook, actions=BY_NAME)
    people = parse_roster(roster, parsed.draft)
    documents = Documents(playbook=parsed, regions=None, roster=people, texts={}, sources=(), contents={})
    for finding in lint(documents, today=today(), region=None, edition=None, level="release"):
        raise PlaybookFault(f"what was given does not do for {finding.path}: {finding.message}", rule=finding.code)
