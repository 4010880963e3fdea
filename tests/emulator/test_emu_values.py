"""The small values everything stands on: canonical bytes, permissions, certificates, primitives."""

from __future__ import annotations

from typing import Any

import pytest
from emulator_bench import SeededDraw, rsa_pool
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hsm_emulator import acl, attestation, crypto, encoding, reduction, replies
from hsm_emulator.acl import Acl, Group, MakeArchiveBlob, MakeBlob, OpPermissions, Right
from hsm_emulator.attestation import Kind
from hsm_emulator.errors import DamagedFile, Refused, Status, StoreBroken
from hsm_emulator.facts import CardFact, FileFact, Mode
from hsm_emulator.limits import UseLimit
from hsm_emulator.messages import AclsModified, ChangeMode, KeyDeleted, KeyGenerated, ModeChanged, Packaged, WorldMade

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(VALUES)
def test_one_value_one_spelling(value: Any) -> None:
    assert encoding.decode(encoding.encode(value), "x") == value


@pytest.mark.parametrize(
    "data", [b"", b"{", b'{"a": 1}', b'{"b":1,"a":2}', b'{"a":1,"a":1}', b"1.0", b"NaN", b"1e3", b'"\\u0041"', b"[1]\n",
             b"9007199254740992", b"\xff", b"[" * 100_000, b" " * (encoding.LIMIT + 1)]
)  # fmt: skip
def test_other_spellings(data: bytes) -> None:
    with pytest.raises(DamagedFile):
        encoding.decode(data, "x")


@pytest.mark.parametrize("value", [1.5, {1: 2}, b"x", {"a": {1}}, 2**53])
def test_what_has_no_form(value: object) -> None:
    with pytest.raises(TypeError):
        encoding.encode(value)


@pytest.mark.parametrize("value", [None, 1, "=", "AA", "AB==", "AAA=\n", "A-A="])
def test_other_base64(value: object) -> None:
    with pytest.raises(DamagedFile):
        encoding.untext(value, "x")


@pytest.mark.parametrize("value", [None, [], {}, {"a": 1}, {"a": 1, "b": 2, "c": 3}])
def test_fields(value: object) -> None:
    with pytest.raises(DamagedFile):
        encoding.fields(value, frozenset({"a", "b"}), "x")


SIGN = OpPermissions(rights=frozenset({Right.SIGN}))
BOTH = OpPermissions(rights=frozenset({Right.SIGN, Right.DECRYPT}))
FULL = Acl(
    groups=(
        Group(actions=(BOTH,)),
        Group(actions=(MakeBlob(under="m"),), module="SIM-1"),
        Group(actions=(MakeArchiveBlob(under="k"),), limit=UseLimit(counter="c", uses=2)),
        Group(actions=(OpPermissions(rights=frozenset({Right.EXPAND_ACL})),), certifier="nso"),
    )
)


@pytest.mark.parametrize(
    ("wanted", "options", "status"),
    [
        (SIGN, {}, None),
        (OpPermissions(rights=frozenset({Right.SIGN, Right.GET_ACL})), {}, Status.ACCESS_DENIED),
        (MakeBlob(under="m"), {}, None),
        (MakeBlob(under="m"), {"esn": "SIM-2"}, Status.ACCESS_DENIED),
        (MakeBlob(under="other"), {}, Status.ACCESS_DENIED),
        (MakeArchiveBlob(under="m"), {}, Status.ACCESS_DENIED),
        (MakeArchiveBlob(under="k"), {"used": lambda _: 1}, None),
        (MakeArchiveBlob(under="k"), {"used": lambda _: 2}, Status.USE_LIMIT_EXCEEDED),
        (MakeArchiveBlob(under="k", mechanism="plain"), {}, Status.ACCESS_DENIED),
        (OpPermissions(rights=frozenset({Right.EXPAND_ACL})), {}, Status.ACCESS_DENIED),
        (OpPermissions(rights=frozenset({Right.EXPAND_ACL})), {"presented": frozenset({"nso"})}, None),
        (OpPermissions(rights=frozenset({Right.EXPAND_ACL})), {"presented": frozenset({"o"})}, Status.ACCESS_DENIED),
    ],
)
def test_authorise(wanted: acl.Action, options: dict[str, Any], status: Status | None) -> None:
    given_options = {"presented": frozenset(), "esn": "SIM-1", "used": lambda _: 0} | options
    if status is None:
        acl.authorise(FULL, wanted, **given_options)
        return
    with pytest.raises(Refused) as caught:
        acl.authorise(FULL, wanted, **given_options)
    assert caught.value.status is status


def _with(place: int, **changes: Any) -> Acl:
    groups = list(FULL.groups)
    groups[place] = replace(groups[place], **changes)
    return Acl(groups=tuple(groups))


@pytest.mark.parametrize(
    ("new", "smaller"),
    [
        (FULL, True),
        (Acl(groups=()), True),
        (_with(0, actions=(SIGN,)), True),
        (_with(0, certifier="nso"), True),
        (_with(2, limit=UseLimit(counter="c", uses=1)), True),
        (_with(0, actions=(OpPermissions(rights=frozenset({Right.SIGN, Right.GET_ACL})),)), False),
        (_with(1, module=""), False),
        (_with(1, module="SIM-2"), False),
        (_with(2, limit=None), False),
        (_with(2, limit=UseLimit(counter="c", uses=3)), False),
        (_with(2, limit=UseLimit(counter="d", uses=1)), False),
        (_with(3, certifier=""), False),
        (Acl(groups=(*FULL.groups, Group(actions=(MakeBlob(under="x"),)))), False),
    ],
)
def test_is_reduction(new: Acl, smaller: bool) -> None:  # noqa: FBT001  # a column of the table
    assert reduction.is_reduction(new, FULL) is smaller


def test_permissions_come_back() -> None:
    assert acl.from_data(acl.to_data(FULL)) == FULL
    assert FULL.archives_under() == {"k"}
    assert FULL.certifiers() == {"nso"}


@pytest.mark.parametrize(
    "actions",
    [
        None,
        ["x"],
        [{"type": "DeriveKey"}],
        [{"type": "OpPermissions", "rights": ["Fly"]}],
        [{"type": "OpPermissions", "rights": ["ExportAsPlain"]}],
        [{"type": "MakeBlob", "under": 1}],
        [{"type": "MakeBlob", "under": "x", "more": 1}],
    ],
)
def test_permissions_that_are_none(actions: object) -> None:
    with pytest.raises(DamagedFile):
        acl.from_data([{"certifier": "", "module": "", "limit": None, "actions": actions}])
    with pytest.raises(DamagedFile):
        acl.from_data({})


@pytest.mark.parametrize("uses", [True, -1, "1", None])
def test_limits_that_are_none(uses: object) -> None:
    with pytest.raises(DamagedFile):
        acl.from_data([{"certifier": "", "module": "", "limit": {"counter": "c", "uses": uses}, "actions": []}])


def test_certificates() -> None:
    body = {"esn": "SIM-1", "klf2": "x"}
    made = attestation.issue(Kind.WARRANT, body, attestation.ROOT_PRIVATE)
    assert attestation.check(made, Kind.WARRANT, attestation.root_public(), "the root") == body
    assert attestation.from_data(attestation.to_data(made), Kind.WARRANT) == made
    other = crypto.verify_key(crypto.signing_key(SeededDraw("x")))
    wrong = [
        (replace(made, body=body | {"esn": "SIM-2"}), attestation.root_public()),
        (made, other),
        (made, b"no key"),
        (made, crypto.rsa_public_der(rsa_pool(2048)[0])),
        (replace(made, kind=Kind.MODULE_STATE), attestation.root_public()),
    ]
    for certificate, public in wrong:
        with pytest.raises(Refused) as caught:
            attestation.check(certificate, Kind.WARRANT, public, "the root")
        assert caught.value.status is Status.VERIFY_FAILED
    with pytest.raises(Refused):
        attestation.from_data(attestation.to_data(made), Kind.MODULE_STATE)
    with pytest.raises(DamagedFile):
        attestation.issue(Kind.WARRANT, {"esn": "x"}, attestation.ROOT_PRIVATE)
    assert len(attestation.root_hash(attestation.root_public())) == 40


def test_seal_and_oaep() -> None:
    draw, key = SeededDraw("x"), b"k" * 32
    sealed = crypto.seal(key, b"words", b"aad", draw)
    assert crypto.unseal(key, sealed, b"aad") == b"words"
    for wrong in ((b"K" * 32, sealed, b"aad"), (key, sealed, b"AAD"), (key, sealed[:-1], b"aad"), (key, b"", b"")):
        assert crypto.unseal(*wrong) is None
    private = crypto.rsa_private_der(rsa_pool(2048)[0])
    wrapped = crypto.oaep_encrypt(crypto.rsa_public_der(rsa_pool(2048)[0]), b"secret", draw)
    assert crypto.oaep_decrypt(private, wrapped) == b"secret"
    assert crypto.oaep_decrypt(crypto.rsa_private_der(rsa_pool(2048)[1]), wrapped) is None


def test_the_real_draw_is_fresh() -> None:
    draw = crypto.SystemDraw()
    assert draw.take(32) != draw.take(32)
    assert draw.rsa(2048).key_size == 2048


FILE = FileFact(name="world", size=1, sha256="ab")
CARDS = (CardFact(number=1, serial="SIM-1"), CardFact(number=2, serial="SIM-2"))


@pytest.mark.parametrize(
    "reply",
    [
        ModeChanged(mode=Mode.OPERATIONAL),
        WorldMade(hknso="a", hkm="b", hkre="c", cards=CARDS, world=FILE),
        KeyGenerated(key_hash="a", public_key="b", file=FILE),
        AclsModified(key_hash="a", cards=CARDS, file=FILE),
        Packaged(key_hash="a", region="EU-1", size=1, sha256="b"),
        KeyDeleted(key_hash="a", file=FILE),
    ],
)
def test_replies_come_back(reply: replies.Stored) -> None:
    assert replies.recover(replies.store(reply)) == reply


def test_what_is_no_reply() -> None:
    for content in (b"{}", b'{"reply":"Enquiry"}', b"[]"):
        with pytest.raises(StoreBroken):
            replies.recover(content)
    one, two = (replies.command_digest(ChangeMode(mode=mode)) for mode in (Mode.OPERATIONAL, Mode.MAINTENANCE))
    assert one != two
