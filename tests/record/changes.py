"""Changes to the drafts of a synthetic record, for tests to put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from synthetic import Draft, device, find

from runner.audit.entry import EntryType

if TYPE_CHECKING:
    from collections.abc import Callable

Change: TypeAlias = "Callable[[list[Draft]], None]"


def place(told: list[Draft], step: str | None, name: str) -> int:
    return next(number for number, draft in enumerate(told) if draft.step == step and draft.name == name)


def reply(step: str, name: str, /, **fields: Any) -> Change:
    """Change the reply itself."""
    return lambda told: find(told, step, name).data["reply"].update(fields)


def request(step: str, name: str, /, **fields: Any) -> Change:
    return lambda told: find(told, step, name).data["request"].update(fields)


def data(step: str | None, name: str, /, **fields: Any) -> Change:
    return lambda told: next(item for item in told if (item.step, item.name) == (step, name)).data.update(fields)


def result(step: str, name: str, value: object) -> Change:
    def change(told: list[Draft]) -> None:
        for item in find(told, step, "step.done").data["results"]:
            if item["name"] == name:
                item["value"] = value

    return change


def drop(step: str | None, name: str, count: int = 1) -> Change:
    def change(told: list[Draft]) -> None:
        start = place(told, step, name)
        del told[start : start + count]

    return change


def repeat(step: str | None, name: str, count: int = 1) -> Change:
    def change(told: list[Draft]) -> None:
        start = place(told, step, name)
        told[start:start] = [Draft(item.type, {**item.data}, item.step) for item in told[start : start + count]]

    return change


def insert_before(step: str | None, name: str, *more: Draft) -> Change:
    def change(told: list[Draft]) -> None:
        start = place(told, step, name)
        told[start:start] = more

    return change


def whole_step(told: list[Draft], step: str) -> list[Draft]:
    return [draft for draft in told if draft.step == step]


def together(*changes: Change) -> Change:
    def change(told: list[Draft]) -> None:
        for one in changes:
            one(told)

    return change


def acting(*pairs: str) -> dict[str, Any]:
    return {"acting": [dict(zip(("person", "role"), pair.split("/"), strict=True)) for pair in pairs]}


def shown(step: str, name: str, size: int, **fields: Any) -> Change:
    ident = "vault" if step in ("import", "compare") else "hsm"
    return data(step, name, device=device(ident, size) | fields)


# -- statements --------------------------------------------------------------------------------------------------------


def made(told: list[Draft], step: str | None, about: str, who: str) -> int:
    """Return the place of somebody's statement."""
    return next(
        number
        for number, draft in enumerate(told)
        if draft.step == step
        and draft.type is EntryType.ATTESTED
        and (draft.data["about"], draft.data["person"]) == (about, who)
    )


def statement(step: str | None, about: str, who: str, **fields: Any) -> Change:
    """Change a statement's entry; `text`, `signer` and `namespace` change how it is made."""

    def change(told: list[Draft]) -> None:
        draft = told[made(told, step, about, who)]
        for name, value in fields.items():
            if name in ("text", "signer", "namespace"):
                setattr(draft, name, value)
            else:
                draft.data[name] = value

    return change


def unstated(step: str | None, about: str, who: str) -> Change:
    """Leave a statement out."""
    return lambda told: told.__delitem__(made(told, step, about, who))


def stated_before(step: str | None, name: str, draft: Draft) -> Change:
    """Put a statement before the first draft of that step and kind."""
    return lambda told: told.insert(place(told, step, name), draft)
