"""The values a plan is made with: what was given, what the playbook defaults to, and for a rehearsal its examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from runner.document.characters import refused
from runner.document.consistency import given_misfit
from runner.errors import WrongUse
from runner.plan import Parameter
from runner.values import WORDS, Value, as_value, typed
from runner.vocabulary import closest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.document.playbook import Parameter as Declared
    from runner.document.playbook import Playbook


_UNITS: Final = {"GB": 1000**3, "MB": 1000**2, "kB": 1000, "B": 1}


class Given(Struct, frozen=True, kw_only=True):
    """Values for the playbook's parameters.

    Attributes:
        values: as given on a command line (text) or in a file (typed), by name.
        examples: whether a parameter without a value takes its example; only rehearsals and lint do.
    """

    values: Mapping[str, Value]
    examples: bool = False


def take(playbook: Playbook, given: Given) -> tuple[Parameter, ...]:
    """Return every parameter with its value, in the playbook's order.

    Raises:
        WrongUse: SHP006, naming the parameter: unknown, without a value, or a value that does not fit.
    """
    for name in given.values:
        if name not in playbook.parameters:
            near = closest(name, playbook.parameters)
            more = f"; perhaps `{near}` is meant" if near else ""
            raise WrongUse(f"the playbook has no parameter `{name}`{more}", rule="SHP006")
    return tuple(
        Parameter(name=name, type=declared.type, value=_value(name, declared, given))
        for name, declared in playbook.parameters.items()
    )


def given_again(parameters: Sequence[Parameter]) -> Given:
    """Return what has to be given for a plan to have these parameters again."""
    return Given(values={parameter.name: _written(parameter) for parameter in parameters})


def _written(parameter: Parameter) -> Value:
    """Return a value as somebody writes it: a size with the greatest unit that leaves a whole number."""
    value = parameter.value
    if parameter.type != "size" or not isinstance(value, int):
        return value
    unit, factor = next((unit, factor) for unit, factor in _UNITS.items() if value % factor == 0)
    return f"{value // factor} {unit}"


def _value(name: str, declared: Declared, given: Given) -> Value:
    kind = "text" if declared.type == "choice" else declared.type
    if name in given.values:
        value = given.values[name]
        read = typed(kind, value) if isinstance(value, str) else value
        if kind == "size" and read is not None:
            read = value  # its fit is judged as it is written, with its unit, as that of a default is
    elif given.examples and declared.example is not None:
        read = declared.example
    elif declared.default is not None:
        read = declared.default
    else:
        raise WrongUse(f"parameter `{name}` has no value: {declared.ask} (--param {name}=…)", rule="SHP006")
    if read is None:
        raise WrongUse(f"parameter `{name}` does not fit: it must be {WORDS[kind]}", rule="SHP006")
    if isinstance(read, str) and (strange := _strange(read)) is not None:
        raise WrongUse(f"parameter `{name}` does not fit: it holds {strange}", rule="SHP006")
    if why := given_misfit(declared, read):
        raise WrongUse(f"parameter `{name}` does not fit: it {why}", rule="SHP006")
    found = as_value(kind, read)
    return read if found is None else found


def _strange(text: str) -> str | None:
    """Return what a text holds that is not seen where it is read out or typed, or ends its line; None: nothing."""
    if len(text.splitlines()) > 1 or "\t" in text:
        return "more than one line, or a tab"
    return next((name for _offset, name in refused(text)), None)
