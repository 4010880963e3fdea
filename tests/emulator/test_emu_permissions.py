"""Permissions: limits, freshness, SetACL as a subset test, what the reduced copy is right by right, the verdict."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from emulator_bench import ESN, Bench, Packages, pack
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tool_bench import Tools

from hsm_emulator import acl, limits, reduction, transfer, verdict
from hsm_emulator.acl import Acl, Group, MakeArchiveBlob, MakeBlob, OpPermissions, Right
from hsm_emulator.byok import VerifiedPackages
from hsm_emulator.errors import DamagedFile, Refused, Status
from hsm_emulator.keys import default_acl
from hsm_emulator.limits import AuthorisationLimit, Since, TimeLimit, UseLimit

if TYPE_CHECKING:
    from hsm_emulator.limits import Limit

VECTORS = Path(__file__).parent.parent / "vectors" / "emulator"
TABLE = tomllib.loads((VECTORS / "modify-acls.toml").read_text(encoding="utf-8"))
SIGN = OpPermissions(rights=frozenset({Right.SIGN}))
TARGET = VerifiedPackages(
    root_hash="r", kek_hash="kek", kek_public=b"", hkm="target", hknso="n", region="EU-1", suite="s"
)
EVERY = frozenset(Right) - {Right.EXPORT_AS_PLAIN}


def allows(permissions: Acl, wanted: acl.Action, **options: Any) -> Status | None:
    """Ask the evaluator; None is yes."""
    given_options = {"presented": frozenset(), "esn": ESN, "used": lambda _: 0} | options
    try:
        acl.authorise(permissions, wanted, **given_options)
    except Refused as refusal:
        return refusal.status
    return None


# -- conditions of a group ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "options", "status"),
    [
        (AuthorisationLimit(uses=1), {"since": Since(uses=0, age_ms=0)}, None),
        (AuthorisationLimit(uses=1), {"since": Since(uses=1, age_ms=0)}, Status.USE_LIMIT_EXCEEDED),
        (AuthorisationLimit(uses=1), {}, Status.USE_LIMIT_EXCEEDED),
        (TimeLimit(seconds=60), {"since": Since(uses=9, age_ms=59_999)}, None),
        (TimeLimit(seconds=60), {"since": Since(uses=0, age_ms=60_000)}, Status.TIME_LIMIT_EXCEEDED),
        (TimeLimit(seconds=60), {"since": Since(uses=0, age_ms=-1)}, Status.TIME_LIMIT_EXCEEDED),
        (TimeLimit(seconds=60), {}, Status.TIME_LIMIT_EXCEEDED),
        (UseLimit(counter="c", uses=2), {"used": lambda name: {"c": 1}[name]}, None),
        (UseLimit(counter="c", uses=2), {"used": lambda name: {"c": 2}[name]}, Status.USE_LIMIT_EXCEEDED),
        (None, {}, None),
    ],
)
def test_each_limit_at_its_edge(limit: Limit | None, options: dict[str, Any], status: Status | None) -> None:
    assert allows(Acl(groups=(Group(actions=(SIGN,), limit=limit),)), SIGN, **options) is status


def test_a_used_up_group_does_not_hide_the_next() -> None:
    over, free = Group(actions=(SIGN,), limit=TimeLimit(seconds=0)), Group(actions=(SIGN,))
    now = {"since": Since(uses=0, age_ms=0)}
    assert allows(Acl(groups=(over,)), SIGN, **now) is Status.TIME_LIMIT_EXCEEDED
    assert allows(Acl(groups=(over, free)), SIGN, **now) is None


def test_a_certificate_that_was_stored_is_not_fresh() -> None:
    permissions = Acl(groups=(Group(actions=(SIGN,), certifier="nso", fresh=True),))
    nso = frozenset({"nso"})
    assert allows(permissions, SIGN, presented=nso, fresh=nso) is None
    assert allows(permissions, SIGN, presented=nso) is Status.ACCESS_DENIED
    assert allows(permissions, SIGN, fresh=nso) is Status.ACCESS_DENIED
    nobody = Acl(groups=(Group(actions=(SIGN,), fresh=True),))
    assert allows(nobody, SIGN, presented=nso, fresh=nso) is Status.ACCESS_DENIED


def test_rights_wanted_together_are_granted_by_one_group() -> None:
    both = OpPermissions(rights=frozenset({Right.SIGN, Right.DECRYPT}))
    halves = tuple(Group(actions=(OpPermissions(rights=frozenset({right})),)) for right in both.rights)
    assert allows(Acl(groups=(Group(actions=(both,)),)), both) is None
    assert allows(Acl(groups=halves), both) is Status.ACCESS_DENIED


# -- SetACL ------------------------------------------------------------------------------------------------------------

HASHES = st.sampled_from(["k1", "k2"])
CERTIFIERS = st.sampled_from(["", "nso", "knv"])
LIMITS = st.none() | st.one_of(
    st.builds(UseLimit, counter=st.sampled_from(["c", "d"]), uses=st.integers(0, 2)),
    st.builds(AuthorisationLimit, uses=st.integers(0, 2)),
    st.builds(TimeLimit, seconds=st.integers(0, 2)),
)
RIGHTS = st.frozensets(st.sampled_from([Right.SIGN, Right.DECRYPT, Right.EXPAND_ACL, Right.REDUCE_ACL]), min_size=1)
ACTIONS = st.one_of(
    st.builds(OpPermissions, rights=RIGHTS),
    st.builds(MakeBlob, under=HASHES),
    st.builds(MakeArchiveBlob, under=HASHES, mechanism=st.sampled_from([acl.ARCHIVE_MECHANISM, "other"])),
)
GROUPS = st.builds(
    lambda fresh, certifier, **rest: Group(fresh=fresh and bool(certifier), certifier=certifier, **rest),
    actions=st.lists(ACTIONS, min_size=1, max_size=2).map(tuple),
    certifier=CERTIFIERS,
    fresh=st.booleans(),
    module=st.sampled_from(["", ESN, "SIM-2"]),
    limit=LIMITS,
)
ACLS = st.lists(GROUPS, min_size=1, max_size=2).map(lambda groups: Acl(groups=tuple(groups)))


def _other(draw: st.DrawFn, group: Group) -> Group:
    """Return a group that differs in one thing, or in none: some of these reduce, some expand."""
    match draw(st.sampled_from(["certifier", "fresh", "module", "limit", "fewer", "more"])):
        case "certifier":
            return replace(group, certifier=draw(CERTIFIERS), fresh=False)
        case "fresh":
            return replace(group, fresh=bool(group.certifier) and draw(st.booleans()))
        case "module":
            return replace(group, module=draw(st.sampled_from(["", ESN])))
        case "limit":
            return replace(group, limit=draw(LIMITS))
        case "fewer":
            return replace(group, actions=group.actions[:1])
        case _:
            return replace(group, actions=(*group.actions, draw(ACTIONS)))


@dataclass(frozen=True)
class Asked:
    """Permissions, others made of them, something that the others name, and the circumstances it is wanted in."""

    old: Acl
    new: Acl
    wanted: acl.Action
    options: dict[str, Any]


@st.composite
def asked(draw: st.DrawFn) -> Asked:
    old = draw(ACLS)
    groups = list(old.groups)
    place = draw(st.integers(0, len(groups) - 1))
    groups[place] = _other(draw, groups[place])
    new = Acl(groups=tuple(groups))
    presented = draw(st.sampled_from([frozenset(), frozenset({"nso"}), frozenset({"nso", "knv"})]))
    uses = draw(st.dictionaries(st.sampled_from(["c", "d"]), st.integers(0, 2)))
    options = {
        "presented": presented,
        "fresh": draw(st.sampled_from([frozenset(), presented])),
        "esn": draw(st.sampled_from([ESN, "SIM-2"])),
        "used": lambda name: uses.get(name, 0),
        "since": draw(
            st.none() | st.builds(Since, uses=st.integers(0, 2), age_ms=st.sampled_from([0, 999, 1000, 2000]))
        ),
    }
    return Asked(old, new, draw(st.sampled_from(groups[place].actions)), options)


@settings(max_examples=600, deadline=None)
@given(asked())
def test_what_a_reduction_allows_its_source_allowed(case: Asked) -> None:
    if reduction.is_reduction(case.new, case.old) and allows(case.new, case.wanted, **case.options) is None:
        assert allows(case.old, case.wanted, **case.options) is None


@settings(max_examples=100, deadline=None)
@given(ACLS)
def test_permissions_are_a_reduction_of_themselves_and_come_back(permissions: Acl) -> None:
    assert reduction.is_reduction(permissions, permissions)
    assert acl.from_data(acl.to_data(permissions)) == permissions


OLD = Acl(
    groups=(
        Group(actions=(OpPermissions(rights=frozenset({Right.SIGN, Right.REDUCE_ACL})), MakeBlob(under="m"))),
        Group(actions=(MakeArchiveBlob(under="k"),), limit=AuthorisationLimit(uses=1)),
        Group(actions=(MakeBlob(under="n"),), limit=TimeLimit(seconds=9), certifier="nso", fresh=True),
    )
)


@pytest.mark.parametrize("right", sorted(EVERY - {Right.SIGN, Right.REDUCE_ACL}))
def test_adding_any_right_needs_the_right_to_expand(right: Right) -> None:
    options: dict[str, Any] = {"presented": frozenset(), "esn": ESN, "used": lambda _: 0}
    smaller = Acl(groups=(Group(actions=(SIGN,)),))
    reduction.set_acl(OLD, smaller, **options)
    larger = Acl(groups=(Group(actions=(OpPermissions(rights=frozenset({Right.SIGN, right})),)),))
    with pytest.raises(Refused) as caught:
        reduction.set_acl(OLD, larger, **options)
    assert caught.value.status is Status.ACCESS_DENIED
    assert "ExpandACL" in caught.value.words


@pytest.mark.parametrize(
    ("place", "change"),
    [
        (0, {"actions": (MakeBlob(under="x"),)}),
        (0, {"actions": (MakeArchiveBlob(under="m"),)}),
        (1, {"limit": None}),
        (1, {"limit": AuthorisationLimit(uses=2)}),
        (1, {"limit": TimeLimit(seconds=1)}),
        (1, {"limit": UseLimit(counter="c", uses=1)}),
        (2, {"limit": TimeLimit(seconds=10)}),
        (2, {"limit": AuthorisationLimit(uses=1)}),
        (2, {"certifier": ""}),
        (2, {"certifier": "other"}),
        (2, {"fresh": False}),
    ],
)
def test_everything_else_that_grows_is_refused(place: int, change: dict[str, Any]) -> None:
    options: dict[str, Any] = {"presented": frozenset(), "esn": ESN, "used": lambda _: 0}
    reduction.set_acl(OLD, OLD, **options)
    groups = list(OLD.groups)
    groups[place] = replace(groups[place], **change)
    with pytest.raises(Refused) as caught:
        reduction.set_acl(OLD, Acl(groups=tuple(groups)), **options)
    assert caught.value.status is Status.ACCESS_DENIED


def test_without_the_right_to_reduce_nothing_is_set() -> None:
    fixed = Acl(groups=(Group(actions=(SIGN,)),))
    assert reduction.is_reduction(fixed, fixed)
    with pytest.raises(Refused) as caught:
        reduction.set_acl(fixed, fixed, presented=frozenset(), esn=ESN, used=lambda _: 0)
    assert "ReduceACL" in caught.value.words


@pytest.mark.parametrize(
    "group",
    [
        {"fresh": False},
        {"fresh": 1, "certifier": "nso"},
        {"fresh": True},
        {"limit": {"seconds": -1}},
        {"limit": {"seconds": 1, "uses": 1}},
        {"limit": {"authorisation": True}},
        {"limit": {"authorisation": 1, "seconds": 1}},
        {"limit": {"counter": 1, "uses": 1}},
        {"limit": {"counter": "c"}},
        {"limit": []},
    ],
)
def test_a_group_has_one_form(group: dict[str, Any]) -> None:
    good = {"certifier": "", "module": "", "limit": None, "actions": []}
    acl.from_data([good])
    with pytest.raises(DamagedFile):
        acl.from_data([good | group])


# -- what -ModifyAcls makes --------------------------------------------------------------------------------------------


def _source(rights: frozenset[Right]) -> Acl:
    plain = OpPermissions(rights=rights)
    return Acl(
        groups=(
            Group(actions=(plain,)),
            *default_acl("hkm", "hkre", "hknso").groups[1:],
            Group(actions=(SIGN,), module=ESN),
            Group(actions=(SIGN,), limit=TimeLimit(seconds=60)),
        )
    )


def test_the_table_names_every_right_once() -> None:
    named = [name for part in ("keeps", "loses", "never") for name in TABLE[part]]
    assert sorted(named) == sorted(Right)


@pytest.mark.parametrize("name", sorted(TABLE["keeps"]))
def test_the_copy_keeps(name: str) -> None:
    copy = transfer.reduce(_source(EVERY), TARGET, "c")
    assert Right(name) in copy.rights()
    assert Right(name) not in transfer.reduce(_source(EVERY - {Right(name), Right.SIGN}), TARGET, "c").rights()


@pytest.mark.parametrize("name", sorted(TABLE["loses"]))
def test_the_copy_loses(name: str) -> None:
    source = _source(EVERY)
    assert Right(name) in source.rights()
    copy = transfer.reduce(source, TARGET, "c")
    assert Right(name) not in copy.rights()
    wanted = OpPermissions(rights=frozenset({Right(name)}))
    everybody = frozenset({"hknso", "hkre", "hkm", "kek", "target"})
    assert allows(copy, wanted, presented=everybody, fresh=everybody) is Status.ACCESS_DENIED


def test_the_copy_gains_exactly_one_archive_right_for_one_use_and_one_blob_right() -> None:
    source, copy = _source(EVERY), transfer.reduce(_source(EVERY), TARGET, "c")
    kept = Group(actions=(OpPermissions(rights=frozenset(Right(name) for name in TABLE["keeps"])),))
    assert copy.groups == (
        kept,
        Group(actions=(MakeArchiveBlob(under="kek"),), limit=UseLimit(counter="c", uses=1)),
        Group(actions=(MakeBlob(under="target"),)),
    )
    assert TABLE["actions"]["gains"] == ["MakeArchiveBlob kek", "MakeBlob target"]
    assert not reduction.is_reduction(copy, source)
    assert reduction.is_reduction(Acl(groups=(kept,)), source)
    for under in ("hkre", "target", "hkm", "other"):
        assert allows(copy, MakeArchiveBlob(under=under)) is Status.ACCESS_DENIED
    for under in ("hkm", "kek", "hkre"):
        assert allows(copy, MakeBlob(under=under)) is Status.ACCESS_DENIED


# -- the verdict -------------------------------------------------------------------------------------------------------


def test_verdict_of_a_fresh_key_and_of_its_copy(ready: Bench, packages: Packages) -> None:
    ready.copy(packages)
    ready.device.close()
    tools = Tools(ready.folder)
    facts = {
        app: json.loads(tools.done("aclprint", app, "contosokey", "--json"))["key"] for app in ("simple", "xferacld")
    }
    hknso = json.loads(tools.done("nfkminfo", "--json"))["module"]["hknso"]
    assert facts["simple"]["transferable"] == [f"anybody, by the holder of {hknso}"]
    assert (facts["simple"]["recoverable"], facts["simple"]["exportable"]) == (True, False)
    to = [f"archive {packages.kek_hash}", f"world {packages.hkm}"]
    assert facts["xferacld"]["transferable"] == to
    assert (facts["xferacld"]["recoverable"], facts["xferacld"]["exportable"]) == (False, False)
    page = tools.done("aclprint", "xferacld", "contosokey")
    assert page.endswith(f"verdict: recoverable no, exportable no, transferable to {'; '.join(to)}\n")


def test_verdict_says_that_the_one_use_is_used_up(ready: Bench, packages: Packages) -> None:
    ready.copy(packages)
    ready.do(pack(packages))
    ready.device.close()
    assert f"archive {packages.kek_hash}, used up" in Tools(ready.folder).done("aclprint", "xferacld", "contosokey")


@pytest.mark.parametrize(
    ("group", "recovery", "line"),
    [
        (Group(actions=(SIGN, MakeBlob(under="m"))), False, "recoverable no, exportable no, transferable to nobody"),
        (Group(actions=(SIGN,)), True, "recoverable yes, exportable no, transferable to nobody"),
        (Group(actions=(MakeArchiveBlob(under="r"),)), False, "recoverable yes, exportable no, transferable to nobody"),
        (Group(actions=(SIGN,), certifier="x"), False, "recoverable yes, exportable no, transferable to nobody"),
        (
            Group(actions=(OpPermissions(rights=frozenset({Right.EXPAND_ACL})),)),
            False,
            "recoverable no, exportable no, transferable to anybody, by whoever can use it",
        ),
        (
            Group(actions=(OpPermissions(rights=frozenset({Right.EXPORT_AS_PLAIN})),)),
            False,
            "recoverable no, exportable yes, transferable to nobody",
        ),
        (
            Group(actions=(MakeBlob(under="w"),), limit=TimeLimit(seconds=1)),
            False,
            "recoverable no, exportable no, transferable to world w",
        ),
    ],
)
def test_verdict_line(group: Group, recovery: bool, line: str) -> None:  # noqa: FBT001  # a column of the table
    own = frozenset({"m", "r"})
    found = verdict.judge(Acl(groups=(group,)), recovery=recovery, own=own, used=lambda _: 0)
    assert found.line == f"verdict: {line}"


def test_limits_say_what_they_are() -> None:
    said = {limits.describe(item) for item in (UseLimit(counter="c", uses=1), AuthorisationLimit(uses=2))}
    assert said == {"at most 1 use(s), counted as c", "at most 2 use(s) each time it is loaded"}
    assert limits.describe(TimeLimit(seconds=60)) == "for 60 s after it is loaded"
