"""What changed in meaning from one plan to another; what only reads differently comes last, as wording.

Nothing is passed over: two plans without a difference are the same bytes. Every field of every record is compared, so a
field that is new in the format is compared too.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from runner import canonical
from runner.codec import kind_of, to_data
from runner.exchange import AskException, AskValue, DoByHand, GatherPeople
from runner.spoken import plain, plain_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.plan import Plan

    Record = Mapping[str, Any]

_RECORDS: Final = {
    "parameters": ("parameter", ("name",)),
    "sources": ("source", ("file",)),
    "trust": ("trusted value", ("name",)),
    "records": ("earlier record", ("name",)),
    "stations": ("station", ("id",)),
    "devices": ("device", ("id",)),
    "media": ("medium", ("id",)),
    "roles": ("role", ("id",)),
    "card_sets": ("card set", ("id",)),
    "people": ("person", ("id",)),
    "starts_with": ("start", ("subject", "id")),
    "ends_with": ("end", ("subject", "id")),
    "artefacts": ("artefact", ("id",)),
    "inventory": ("inventory", ("item",)),
    "exceptions": ("exception", ("rule",)),
    "waivers": ("waiver", ("rule", "step")),
    "steps": ("step", ("id",)),
}
"""Lists of records by their name in plan.json: what one is called, and the fields that tell one from another."""

_FOR_WHAT: Final = ("role", "language")
"""The fields that tell one source from another: the same file may have another name."""

_WORDING: Final = frozenset({"title", "say", "note", "caution", "part"})
"""Fields that people read and nothing is decided by; but where people carry out a step, its words are what is done."""

_HEADINGS: Final = frozenset({"part"})
"""Those that are no more than wording in such a step, too."""

_BYTES: Final = frozenset({"file", "size", "sha256"})
"""Fields of a source that change with its name or a comment; what they change in the plan is told at its place."""

_FIRST: Final = ("action", "title", "station", "device", "quorum", "repeat", "sign_off")
"""What tells most of a step."""

_FOLLOWS: Final = frozenset({"requests"})
"""What follows from the other fields of a step and the version of its action."""

_OF_PEOPLE: Final = (GatherPeople, AskValue, AskException)
"""What is asked of people alone, in steps of every kind."""

_LANGUAGE: Final = re.compile(r"\.(?P<code>[a-z-]+)\.texts\.yaml\Z")


class Change(Struct, frozen=True, kw_only=True):
    """One thing that is different.

    Attributes:
        place: where, such as `step seal-package` or `card set acs`.
        words: what was, and what is.
        wording: whether only texts differ there.
    """

    place: str
    words: str
    wording: bool = False


def differences(old: Plan, new: Plan) -> tuple[Change, ...]:
    """Return what changed, in the order of plan.json and then of `new`; wording last, and then files of other bytes."""
    was, now = to_data(old), to_data(new)
    changes: list[Change] = []
    for name in now:
        before, after = was[name], now[name]
        if name == "sources":
            changes += _records(name, _in_languages(before), _in_languages(after))
        elif name in _RECORDS:
            changes += _records(name, before, after)
        elif name == "separation":
            changes += _lines(before, after)
        elif isinstance(after, dict):
            changes += _fields(name, before, after)
        else:
            changes += _fields("plan", {name: before}, {name: after})
    return tuple(
        sorted(changes, key=lambda change: (change.wording, change.wording and change.place.startswith("source ")))
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _records(name: str, old: Sequence[Record], new: Sequence[Record]) -> Iterator[Change]:
    """Compare two lists of records: gone, come, other fields, another order."""
    noun, keys = _RECORDS[name]
    same = _FOR_WHAT if name == "sources" else keys
    before, after = _by_key(old, same), _by_key(new, same)
    for key, record in before.items():
        if key not in after:
            yield Change(place=f"{noun} {_called(key, record)}", words=f"removed: {_about(record, keys)}")
    ordered = list(after)
    for at, (key, record) in enumerate(after.items()):
        place = f"{noun} {_called(key, record)}"
        if key not in before:
            where = "" if name != "steps" else f" behind {ordered[at - 1]}" if at else " as the first"
            yield Change(place=place, words=f"added{where}: {_about(record, keys)}")
        else:
            yield from _fields(place, _flat(before[key]), _flat(record), _wording(before[key], record))
    yield from _moves(noun, [key for key in before if key in after], [key for key in after if key in before])


def _called(key: str, record: Record) -> str:
    """Return what a record is called: a source by its file, all else by what tells it apart."""
    return plain(record["file"]) if "language" in record else key


def _wording(old: Record, new: Record) -> frozenset[str]:
    """Return the fields of a record that are no change of meaning."""
    if "language" in new:
        return _BYTES
    return _HEADINGS if _by_people(old) or _by_people(new) else _WORDING


def _by_key(records: Sequence[Record], keys: tuple[str, ...]) -> dict[str, Record]:
    """Return records by what tells them apart; a second one of the same key is told by its number."""
    found: dict[str, Record] = {}
    seen: dict[str, int] = {}
    for record in records:
        key = " ".join(plain(str(record[name])) for name in keys if record[name] is not None)
        seen[key] = seen.get(key, 0) + 1
        found[key if seen[key] == 1 else f"{key} ({seen[key]})"] = record
    return found


def _flat(record: Record) -> Record:
    """Return a record with the settings of a step as fields of their own."""
    settings = {f"setting {name}": value for name, value in record.get("settings", {}).items()}
    return {name: value for name, value in record.items() if name != "settings"} | settings


def _in_languages(sources: Sequence[Record]) -> list[Record]:
    """Return sources with their language, which is in the names of texts only; a file is known by what it is for."""
    found = [(source, _LANGUAGE.search(source["file"]) if source["role"] == "texts" else None) for source in sources]
    return [{**source, "language": match["code"] if match else None} for source, match in found]


def _by_people(record: Record) -> bool:
    """Say whether a record is a step that people carry out by what it says: nothing of it, or a part, by a machine."""
    if "requests" not in record or record["left_out"] is not None:
        return False
    kinds = {request["kind"] for request in record["requests"]}
    return kind_of(DoByHand) in kinds or kinds <= {kind_of(asked) for asked in _OF_PEOPLE}


def _moves(noun: str, old: list[str], new: list[str]) -> Iterator[Change]:
    """Name what stands at another place among those that are in both."""
    blocks = SequenceMatcher(a=old, b=new, autojunk=False).get_matching_blocks()
    kept = {at for block in blocks for at in range(block.b, block.b + block.size)}
    for at, key in enumerate(new):
        if at not in kept:
            yield Change(
                place=f"{noun} {key}", words=f"moved: is behind {new[at - 1]}" if at else "moved: is the first"
            )


def _lines(old: Sequence[Sequence[str]], new: Sequence[Sequence[str]]) -> Iterator[Change]:
    """Compare the lines of `separation`."""
    before, after = ([" and ".join(line) for line in lines] for lines in (old, new))
    yield from (Change(place="separation", words=f"removed: {line}") for line in before if line not in after)
    yield from (Change(place="separation", words=f"added: {line}") for line in after if line not in before)
    if sorted(before) != sorted(after) and set(before) == set(after):
        yield Change(place="separation", words="a line is repeated another number of times")
    elif before != after and set(before) == set(after):
        yield Change(place="separation", words="the lines are in another order")


def _fields(place: str, old: Record, new: Record, wording: frozenset[str] = _WORDING) -> Iterator[Change]:
    """Compare two records field by field; what only reads differently is one change."""
    reworded: list[str] = []
    for name in [*new, *(name for name in old if name not in new)]:
        before, after = old.get(name), new.get(name)
        if (name in old) is (name in new) and canonical.encode(before) == canonical.encode(after):
            continue
        if name in wording:
            reworded.append(f"{name}: was {_said(before)}, is {_said(after)}")
        else:
            yield Change(place=place, words=f"{name.replace('_', ' ')}: was {_said(before)}, is {_said(after)}")
    if reworded:
        yield Change(place=place, words="; ".join(reworded), wording=True)


def _about(record: Record, keys: tuple[str, ...]) -> str:
    """Say what a record is; of a step, what tells most comes first."""
    flat = {name: value for name, value in _flat(record).items() if name not in keys and name not in _FOLLOWS}
    first = {name: flat.pop(name) for name in _FIRST if name in flat} if "action" in flat else {}
    return _said({name.replace("_", " "): value for name, value in (first | flat).items()})


def _said(value: Any) -> str:
    match value:
        case None | []:
            said = "nothing"
        case str():
            said = f"`{plain(value)}`"
        case bool() | int():
            said = plain_value(value)
        case list():
            said = ", ".join(_said(item) for item in value)
        case {"role": str(role), "count": int(count), **rest}:
            cards = rest.get("holders_of")
            said = f"{count} {role}" + (f" with a card of {cards}" if cards else "")
        case {"set": str(card_set), "number": int(number)}:
            said = f"card {number} of {card_set}"
        case _:
            there = {name: item for name, item in value.items() if item not in (None, [], {})}
            said = " ".join(f"{name} {_said(item)}" for name, item in there.items()) or "nothing"
    return said
