"""The `with:` of a step as its action takes it, with faults in the author's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import ValidationError

from runner.document.ways import other_form
from runner.vocabulary import closest, misspelling

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from runner.actions.interface import Action
    from runner.document.playbook import Step
    from runner.template_values import Values

_KINDS = {"string_type": "text", "int_type": "a whole number", "bool_type": "true or false"}


def settings_of(action: Action[Any], step: Step, position: int, values: Values) -> Any | None:
    """Return the action's settings, or None with the faults in the report.

    Unknown keys are SHP001, missing ones SHP002, wrong kinds SHP003; what the action itself refuses has the action's
    own rule, such as DEV010.
    """
    filled: dict[str, Any] = {}
    for name, written in step.settings.items():
        path = ("steps", position, "with", name)
        filled[name] = (
            [values.value(item, path) for item in written]
            if isinstance(written, tuple)
            else values.value(written, path)
        )
    if not values.whole:
        return None
    try:
        return action.settings.model_validate(filled)
    except ValidationError as fault:
        errors = fault.errors(include_url=False, include_input=False)
        known = action.settings.model_fields
        misspelt = {closest(str(error["loc"][0]), known) for error in errors if error["type"] == "extra_forbidden"}
        for error in errors:
            if error["type"] != "missing" or error["loc"][0] not in misspelt:
                _tell(action, step, position, error, values)
        return None


def _tell(action: Action[Any], step: Step, position: int, error: ErrorDetails, values: Values) -> None:
    name = str(error["loc"][0]) if error["loc"] else ""
    path = ("steps", position, "with", name)
    context = error.get("ctx", {})
    report, regions = values.report, values.regions
    known = list(action.settings.model_fields)
    match error["type"]:
        case "extra_forbidden":
            near = closest(name, known)
            advice = f"write `{near}`" if near else f"one of: {', '.join(known)}" if known else ""
            certain = misspelling(name, known)
            rivals = [other for other in step.settings if certain in {other, misspelling(other, known)}]
            instead = (name, certain) if certain and rivals == [name] else None
            words = f"`{action.name}` has no setting `{name}`"
            report.add("SHP001", words, path, key=True, help_=advice, instead=instead)
        case "missing":
            words = f"`{action.name}` needs `{name}`"
            report.add("SHP002", words, ("steps", position, "with"), key=True, help_=_to_write(action, name))
        case "rule":
            report.add(context["rule"], context["words"], path, regions=regions)
        case "literal_error":
            expected, advice = context["expected"], other_form(step.settings.get(name), context["expected"])
            words = f"this must be {expected.replace(chr(39), '`')}"
            report.add("SHP003", words, path, regions=regions, help_=advice)
        case kind:
            report.add("SHP003", f"this must be {_KINDS.get(kind, 'something else')}", path, regions=regions)


def _to_write(action: Action[Any], name: str) -> str:
    """Return how to write a setting that is missing, with its choices where the list of them is closed."""
    kind = action.settings.model_fields[name].annotation
    choices = [str(choice) for choice in get_args(kind)] if get_origin(kind) is Literal else []
    if len(choices) == 1:
        return f"write with: {{{name}: {choices[0]}}}"
    return f"write with: {{{name}: …}}" + (f", one of: {', '.join(choices)}" if choices else "")
