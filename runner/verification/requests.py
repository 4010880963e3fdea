"""A request's fields held to the plan: its settings, its station, its device, its files, its key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.verification.plan import Plan, Step

VAULT: Final = "vault"
IN_VAULT: Final = frozenset({"import_key", "read_vault_key"})
_OF_PEOPLE: Final = frozenset({"gather_people", "ask_value", "ask_exception"})
"""Requests whose fields are the engine's own words, and no settings of a step."""

_STATIONS: Final = ("at", "source")
_FILES: Final = ("file", "package", "kek")


def differences(plan: Plan, step: Step, kind: str, request: dict[str, Any]) -> Iterator[str]:
    """Give the fields of a request that are not what the plan has; for rule LOG039.

    1. A field that is a setting of the step has the setting's value.
    2. It is made at the step's station, and goes to the step's device, or to the vault.
    3. Every file it names is one that the step uses or makes; so is the file of a key it names.
    4. What it asks of people is what the step asks.
    """
    if kind in _OF_PEOPLE:
        ask = step.asks.get(request["name"]) if kind == "ask_value" else None
        if kind == "ask_value" and (ask is None or (ask.type, ask.ask) != (request["type"], request["ask"])):
            yield "name"
        return
    for name, value in request.items():
        if name in step.settings and (type(value) is not type(step.settings[name]) or value != step.settings[name]):
            yield name
    for name in _STATIONS:
        if request.get(name, step.station) != step.station:
            yield name
    if "device" in request and request["device"] != (VAULT if kind in IN_VAULT else step.device):
        yield "device"
    if kind == "do_by_hand":
        if request["title"] != step.title:
            yield "title"
        return
    yield from _files(plan, step, request)


def _files(plan: Plan, step: Step, request: dict[str, Any]) -> Iterator[str]:
    known = {plan.artefacts[artefact].file for artefact in (*step.uses, *step.makes)}
    named: dict[str, str] = {name: request[name] for name in _FILES if name in request}
    if "kek" in request:
        named["world"] = request["world"]
    for name, file in named.items():
        if file not in known:
            yield name
    if set(request.get("items", [])) - known:
        yield "items"
    if "ident" in request:
        app = request.get("app", "xferacld")
        if f"key_{app}_{request['ident']}" not in known:
            yield "ident"
