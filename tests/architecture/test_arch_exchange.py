"""The union of requests is closed, and an action declares what it asks."""

from __future__ import annotations

import ast
from typing import Any, get_args

import pytest
from house_sources import ROOT, calls, modules

from runner.actions.registry import ALL, BY_PIN
from runner.codec import kind_of
from runner.exchange import REQUESTS, Asking, AskValue, Declined, GatherPeople, Reply, Request, replies_of
from runner.host.disk import Disk
from runner.host.documents import find_playbook, load
from runner.parameters import Given
from runner.planning import choose, make_plan


def subclasses(cls: type[Any]) -> set[type[Any]]:
    """Return the classes below a class; a dataclass with slots is made twice, and only the second is in its module."""
    found: set[type[Any]] = set()
    for sub in cls.__subclasses__():
        found |= {sub, *subclasses(sub)}
    return {sub for sub in found if getattr(__import__(sub.__module__, fromlist=["x"]), sub.__name__, None) is sub}


def test_the_union_holds_every_request_and_nothing_else() -> None:
    assert set(get_args(Request)) == set(REQUESTS) == subclasses(Asking)


def test_the_replies_are_those_that_answer_a_request() -> None:
    assert set(get_args(Reply)) == {reply for request in REQUESTS for reply in replies_of(request)} | {Declined}


def test_no_two_kinds_have_one_name_in_the_log() -> None:
    kinds = [kind_of(cls) for cls in (*REQUESTS, *get_args(Reply))]
    assert len(kinds) == len(set(kinds))


def test_every_action_is_in_the_registry() -> None:
    files = {path.stem for path in (ROOT / "runner" / "actions").glob("*.py")}
    assert files - {"__init__", "interface", "registry"} == {action.name for action in ALL}


def awaited(tree: ast.Module) -> set[str]:
    return {
        node.value.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Await) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name)
    }


def allowed(tree: ast.Module) -> set[str]:
    return {
        node.args[0].id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "allow"
        and isinstance(node.args[0], ast.Name)
    }


@pytest.mark.parametrize("action", ALL, ids=lambda action: action.name)
def test_an_action_declares_exactly_what_it_awaits(action: Any) -> None:
    (module,) = (module for module in modules() if module.path == f"runner/actions/{action.name}.py")
    used = {name for owner, name in calls(module.tree) if not owner and name in {cls.__name__ for cls in REQUESTS}}
    assert awaited(module.tree) & used == used, "a request that is made is awaited at once"
    assert allowed(module.tree) == used


def test_the_plan_of_the_shipped_ceremony_allows_what_its_actions_await() -> None:
    documents = load(Disk(), find_playbook("azure-byok"), roster=None)
    choice = choose(documents, region="eu", edition=None, given=Given(values={}, examples=True))
    plan = make_plan(documents, choice).plan
    assert plan is not None
    trees = {module.path: module.tree for module in modules()}
    for step in plan.steps:
        tree = trees[f"runner/actions/{BY_PIN[step.action].name}.py"]
        wanted = {name for name in awaited(tree) if name in {cls.__name__ for cls in REQUESTS}}
        wanted |= {GatherPeople.__name__} | ({AskValue.__name__} if step.asks else set())
        kinds = {kind_of(cls): cls.mutates for cls in REQUESTS if cls.__name__ in wanted}
        assert {request.kind: request.mutates for request in step.requests} == kinds, step.id
