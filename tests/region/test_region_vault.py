"""The vault HSM: it takes in what was reduced for it, once; whatever it refuses, it stays as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace
from region_source import DRAW, OTHER_SUBSCRIPTION, SUBSCRIPTION, Export, Lab, export, reduced

from hsm_emulator import acl, attestation, byok, chain, crypto, encoding, reduction
from hsm_emulator.acl import Acl, Group, MakeArchiveBlob, MakeBlob, OpPermissions, Right
from hsm_emulator.disk import Disk, Operation
from hsm_emulator.errors import Refused, Status, StoreBroken
from hsm_emulator.limits import UseLimit
from hsm_emulator.region import client, records, vault
from hsm_emulator.region.vault import ImportRequest, install, take_in
from hsm_emulator.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hsm_emulator.receipts import Receipt

Targets = dict[str, byok.VerifiedPackages]


@pytest.fixture
def eu(source: Lab, targets: Targets) -> Export:
    return export(source, targets["EU-1"])


@pytest.fixture
def honest(source: Lab, targets: Targets) -> Acl:
    """The permissions of a copy that was reduced for this region."""
    return reduced(targets["EU-1"], source.hkm)


def ask(package: bytes, **changes: str) -> ImportRequest:
    honest = ImportRequest(
        package=package, vault="ContosoVault", name="FirstKey", subscription_id=SUBSCRIPTION, request_id="import-1"
    )
    return replace(honest, **changes)


def perform(folder: Path, request: ImportRequest, disk: Disk | None = None) -> Receipt:
    with Store.open(folder, disk or Disk()) as store:
        return take_in(store, request, DRAW)


def refuse(folder: Path, request: ImportRequest) -> Refused:
    """Return the refusal, having seen that it changed nothing."""
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(Refused) as refusal:
        perform(folder, request)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    return refusal.value


def test_a_key_is_taken_in_and_can_be_read(installed: Callable[[str], Path], eu: Export) -> None:
    folder = installed("eu")
    reply = encoding.decode(perform(folder, ask(eu.seal())).reply, "reply")
    key = client.read_key(folder, "ContosoVault", "FirstKey")
    assert reply == {"key_hash": key.key_hash, "kid": key.kid, "public_key": key.public_key}
    assert key.public_key == eu.header.public_key
    assert key.kid.startswith("https://ContosoVault.vault.SIMULATED/keys/FirstKey/")
    assert client.read_key(folder, "contosovault", "firstkey") == key
    state = client.state(folder)
    assert (state.code, state.size, state.keys) == ("eu", 2, (key,))


def test_what_only_served_the_journey_is_dropped(
    installed: Callable[[str], Path], source: Lab, eu: Export, targets: Targets
) -> None:
    folder = installed("eu")
    perform(folder, ask(eu.seal()))
    with Store.open(folder, Disk()) as store:
        files = store.files()
    secrets = records.secrets_of(files)
    private, kept = records.open_key(files[records.key_path("ContosoVault", "FirstKey")], secrets.km)
    assert private == source.kek
    assert kept.blobs_under() == {targets["EU-1"].hkm}
    assert not kept.archives_under()
    assert reduction.is_reduction(kept, reduced(targets["EU-1"], source.hkm))


def test_germany_and_germany_public_take_each_others_packages(
    installed: Callable[[str], Path], source: Lab, targets: Targets
) -> None:
    package = export(source, targets["GERMANY-1"]).seal()
    for code in ("germany", "germany-public"):
        assert perform(installed(code), ask(package))


# -- once ------------------------------------------------------------------------------------------------------------


def test_the_same_request_again_gets_the_stored_answer(installed: Callable[[str], Path], eu: Export) -> None:
    folder, package = installed("eu"), eu.seal()
    first = perform(folder, ask(package))
    assert perform(folder, ask(package)) == first
    assert client.state(folder).size == 2


def test_the_same_request_id_for_something_else_is_refused(installed: Callable[[str], Path], eu: Export) -> None:
    folder, package = installed("eu"), eu.seal()
    perform(folder, ask(package))
    assert refuse(folder, ask(package, name="SecondKey")).status is Status.INVALID_PARAMETER


@pytest.mark.parametrize("changes", [{}, {"name": "SecondKey"}, {"vault": "OtherVault", "name": "SecondKey"}])
def test_a_package_is_taken_in_once(installed: Callable[[str], Path], eu: Export, changes: dict[str, str]) -> None:
    folder, package = installed("eu"), eu.seal()
    perform(folder, ask(package))
    refusal = refuse(folder, ask(package, request_id="import-2", **changes))
    assert refusal.status is Status.ALREADY_EXISTS
    assert "imported before" in refusal.words


@pytest.mark.parametrize("name", ["FirstKey", "FIRSTKEY"])
def test_a_name_is_given_once(installed: Callable[[str], Path], eu: Export, name: str) -> None:
    folder = installed("eu")
    perform(folder, ask(eu.seal()))
    refusal = refuse(folder, ask(eu.seal(), request_id="import-2", name=name))
    assert refusal.status is Status.ALREADY_EXISTS
    assert "has a key FirstKey" in refusal.words
    assert perform(folder, ask(eu.seal(), request_id="import-3", name="SecondKey"))


# -- for whom --------------------------------------------------------------------------------------------------------


def test_another_subscription_is_refused(installed: Callable[[str], Path], eu: Export) -> None:
    folder = installed("eu")
    refusal = refuse(folder, ask(eu.seal(), subscription_id=OTHER_SUBSCRIPTION))
    assert "the package is for subscription" in refusal.words
    assert perform(folder, ask(eu.seal()))


def test_a_vault_stays_in_its_subscription(installed: Callable[[str], Path], eu: Export) -> None:
    folder = installed("eu")
    perform(folder, ask(eu.seal()))
    other = eu.seal({"subscription_id": OTHER_SUBSCRIPTION})
    request = ask(other, subscription_id=OTHER_SUBSCRIPTION, name="SecondKey", request_id="import-2")
    assert "is in another subscription" in refuse(folder, request).words
    assert perform(folder, replace(request, vault="OtherVault"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"region": "NA-1"}, "is for region NA-1"),
        ({"hkm": "9" * 40}, "another Security World"),
        ({"hknso": "9" * 40}, "another Security World"),
        ({"kek_hash": "9" * 40}, "another exchange key"),
    ],
)
def test_a_package_for_elsewhere_is_refused(
    installed: Callable[[str], Path], eu: Export, changes: dict[str, Any], words: str
) -> None:
    assert words in refuse(installed("eu"), ask(eu.seal(changes))).words


@pytest.mark.parametrize(
    "changes",
    [
        {"vault": "ab"},
        {"vault": "../../x"},
        {"vault": "v" * 25},
        {"name": ""},
        {"name": "a/b"},
        {"name": "a\n"},
        {"name": "é"},
        {"subscription_id": "none"},
        {"request_id": "../x"},
        {"request_id": ""},
    ],
)
def test_malformed_names_are_refused(installed: Callable[[str], Path], eu: Export, changes: dict[str, str]) -> None:
    assert refuse(installed("eu"), ask(eu.seal(), **changes)).status is Status.INVALID_PARAMETER


# -- from whom -------------------------------------------------------------------------------------------------------

OTHER = crypto.signing_key(DRAW)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (lambda s: {"warrant": s.warrant(OTHER)}, "warrant certificate is not signed by the root of the source"),
        (lambda s: {"module_state": s.state(OTHER)}, "module-state certificate is not signed"),
        (lambda s: {"module_state": s.state(esn="SIMULATED-X")}, "are of different modules"),
        (lambda s: {"module_state": s.state(hkm="9" * 40)}, "was not generated in the module and world"),
        (lambda s: {"key_generation": s.generation(OTHER)}, "key-generation certificate is not signed"),
        (lambda s: {"key_generation": s.generation(esn="SIMULATED-X")}, "was not generated in the module and world"),
        (lambda s: {"key_generation": s.generation(key_hash="9" * 40)}, "is not that of its public key"),
        (
            lambda s: {"key_generation": s.generation(acl=s.permissions(rights=(Right.EXPORT_AS_PLAIN,)))},
            "ExportAsPlain",
        ),
        (lambda s: {"key_generation": replace(s, kek=STRANGER).generation()}, "names another key than its certificate"),
        (lambda _: {"key_hash": "9" * 40}, "names another key than its certificate"),
    ],
)
def test_a_key_of_doubtful_origin_is_refused(
    installed: Callable[[str], Path], source: Lab, eu: Export, changes: Callable[[Lab], dict[str, Any]], words: str
) -> None:
    written = {
        name: attestation.to_data(value) if isinstance(value, attestation.Certificate) else value
        for name, value in changes(source).items()
    }
    assert words in refuse(installed("eu"), ask(eu.seal(written))).words


STRANGER = crypto.rsa_private_der(DRAW.rsa(2048))


def test_a_self_made_maker_is_refused(installed: Callable[[str], Path], source: Lab, targets: Targets) -> None:
    forged = export(replace(source, root=OTHER), targets["EU-1"]).seal()
    assert "not signed by the root" in refuse(installed("eu"), ask(forged)).words


@pytest.mark.parametrize("private", [STRANGER, b"", b"\x30\x00", crypto.verify_key(OTHER)])
def test_a_private_key_that_is_not_the_certified_one_is_refused(
    installed: Callable[[str], Path], eu: Export, private: bytes
) -> None:
    refusal = refuse(installed("eu"), ask(replace(eu, private=private).seal()))
    assert refusal.words == "the private key in the package is not the certified one"


def test_a_private_key_with_broken_arithmetic_is_refused(installed: Callable[[str], Path], eu: Export) -> None:
    """Its public half is the certified one, its last coefficient is not."""
    broken = bytearray(eu.private)
    broken[-1] ^= 2
    refusal = refuse(installed("eu"), ask(replace(eu, private=bytes(broken)).seal()))
    assert refusal.words == "the private key in the package is not the certified one"


def test_a_short_key_is_refused(installed: Callable[[str], Path], source: Lab, targets: Targets) -> None:
    short = replace(source, kek=crypto.rsa_private_der(DRAW.rsa(1024)))
    assert "at least 2048 bits" in refuse(installed("eu"), ask(export(short, targets["EU-1"]).seal())).words


@pytest.mark.parametrize(
    "changes", [{"acl": None}, {"appdata": 1}, {"private_key": 1}, {"more": 1}, {"acl": [1]}, {"acl": {}}]
)
def test_a_payload_that_does_not_parse_is_damaged(
    installed: Callable[[str], Path], eu: Export, changes: dict[str, Any]
) -> None:
    assert refuse(installed("eu"), ask(eu.seal(**changes))).status is Status.HOST_DATA_INVALID


# -- with which permissions ------------------------------------------------------------------------------------------

EXTRA_RIGHTS = sorted(
    set(Right)
    - {Right.EXPORT_AS_PLAIN}
    - {
        Right.SIGN,
        Right.VERIFY,
        Right.ENCRYPT,
        Right.DECRYPT,
        Right.GET_ACL,
        Right.REDUCE_ACL,
        Right.DUPLICATE_HANDLE,
        Right.GET_APP_DATA,
    }
)


@pytest.mark.parametrize("right", EXTRA_RIGHTS)
def test_a_right_too_many_is_refused(installed: Callable[[str], Path], eu: Export, honest: Acl, right: Right) -> None:
    extra = Group(actions=(OpPermissions(rights=frozenset({right})),))
    changed = eu.seal(acl=acl.to_data(Acl(groups=(*honest.groups, extra))))
    refusal = refuse(installed("eu"), ask(changed))
    assert (refusal.status, right.value in refusal.words) == (Status.INVALID_ACL, True)


def test_plain_export_has_no_form(installed: Callable[[str], Path], eu: Export, honest: Acl) -> None:
    permissions = acl.to_data(honest)
    permissions[0]["actions"][0]["rights"].append("ExportAsPlain")
    assert "ExportAsPlain" in refuse(installed("eu"), ask(eu.seal(acl=permissions))).words


def _sign(**conditions: Any) -> Group:
    return Group(actions=(OpPermissions(rights=frozenset({Right.SIGN})),), **conditions)


ONCE = UseLimit(counter="c", uses=1)


@pytest.mark.parametrize(
    ("group", "words"),
    [
        (_sign(certifier="9" * 40), "depends on a certificate"),
        (_sign(module="SIMULATED-SOURCE"), "on one module"),
        (_sign(limit=ONCE), "a use limit stands where none belongs"),
        (Group(actions=(MakeBlob(under="9" * 40),)), "make a blob under 9999"),
        (Group(actions=(MakeArchiveBlob(under="9" * 40),), limit=ONCE), "more than one archive blob"),
    ],
)
def test_a_group_too_many_is_refused(
    installed: Callable[[str], Path], eu: Export, honest: Acl, group: Group, words: str
) -> None:
    refusal = refuse(installed("eu"), ask(eu.seal(acl=acl.to_data(Acl(groups=(*honest.groups, group))))))
    assert refusal.status is Status.INVALID_ACL
    assert words in refusal.words


@pytest.mark.parametrize(
    "right",
    [
        ("kek", None, acl.ARCHIVE_MECHANISM),
        ("kek", UseLimit(counter="c", uses=2), acl.ARCHIVE_MECHANISM),
        ("kek", UseLimit(counter="c", uses=0), acl.ARCHIVE_MECHANISM),
        ("kek", ONCE, "RSA-PKCS1"),
        ("9" * 40, ONCE, acl.ARCHIVE_MECHANISM),
    ],
)
def test_the_archive_right_is_for_this_kek_once(
    installed: Callable[[str], Path],
    eu: Export,
    honest: Acl,
    right: tuple[str, UseLimit | None, str],
) -> None:
    under, limit, mechanism = right
    under = eu.header.kek_hash if under == "kek" else under
    wrong = Group(actions=(MakeArchiveBlob(under=under, mechanism=mechanism),), limit=limit)
    changed = Acl(groups=(*honest.groups[:-1], wrong))
    assert refuse(installed("eu"), ask(eu.seal(acl=acl.to_data(changed)))).status is Status.INVALID_ACL


def test_a_key_this_region_may_not_store_is_refused(installed: Callable[[str], Path], eu: Export, honest: Acl) -> None:
    unstorable = Acl(groups=(*honest.groups[:2], honest.groups[3]))
    refusal = refuse(installed("eu"), ask(eu.seal(acl=acl.to_data(unstorable))))
    assert refusal.words == "the key's permissions do not let this region store it"


def test_a_key_that_may_not_sign_cannot_prove_itself(installed: Callable[[str], Path], eu: Export, honest: Acl) -> None:
    silent = Group(actions=(OpPermissions(rights=frozenset({Right.DECRYPT})),))
    changed = Acl(groups=(silent, *honest.groups[1:]))
    assert refuse(installed("eu"), ask(eu.seal(acl=acl.to_data(changed)))).status is Status.ACCESS_DENIED


def test_the_least_a_copy_needs_is_enough(installed: Callable[[str], Path], eu: Export, honest: Acl) -> None:
    least = Acl(groups=(_sign(), honest.groups[2]))
    assert perform(installed("eu"), ask(eu.seal(acl=acl.to_data(least))))


# -- crashes and edits -----------------------------------------------------------------------------------------------


class Crash(Exception):
    """The power goes."""


def test_a_crash_at_any_change_leaves_before_or_after(tmp_path: Path, eu: Export) -> None:
    package = eu.seal()
    changes: list[Operation] = []
    install(tmp_path / "count", "eu", DRAW, Disk())
    perform(tmp_path / "count", ask(package), Disk(changes.append))
    assert len(changes) > 8
    for stop in range(len(changes)):
        folder = tmp_path / str(stop)
        install(folder, "eu", DRAW, Disk())
        seen = 0

        def hook(_: Operation, stop: int = stop) -> None:
            nonlocal seen
            seen += 1
            if seen > stop:
                raise Crash

        with pytest.raises(Crash):
            perform(folder, ask(package), Disk(hook))
        size = client.state(folder).size
        assert size in {1, 2}
        assert len(client.state(folder).keys) == size - 1
        perform(folder, ask(package))
        assert [key.name for key in client.state(folder).keys] == ["FirstKey"]
        assert client.state(folder).size == 2


def test_installing_twice_changes_nothing_and_another_region_is_refused(installed: Callable[[str], Path]) -> None:
    folder = installed("eu")
    head = client.state(folder).head
    assert installed("eu") == folder
    assert client.state(folder).head == head
    with pytest.raises(Refused):
        install(folder, "na", DRAW, Disk())
    with pytest.raises(Refused, match="no region 'xx'"):
        install(folder.parent / "xx", "xx", DRAW, Disk())


def test_silicon_of_another_installation_opens_nothing(installed: Callable[[str], Path]) -> None:
    one, other = installed("eu"), installed("na")
    with Store.open(one, Disk()) as store:
        files = {**store.files()}
    with Store.open(other, Disk()) as store:
        mixed = {**files, records.DEV: store.files()[records.DEV]}
    for without in (mixed, {**files, records.DEV: b""}, {k: v for k, v in files.items() if k != records.MODULE}):
        with pytest.raises(Refused, match="does not open"):
            records.secrets_of(without)


def test_an_edited_folder_is_broken(installed: Callable[[str], Path], eu: Export) -> None:
    folder = installed("eu")
    perform(folder, ask(eu.seal()))
    path = folder / records.key_path("ContosoVault", "FirstKey")
    path.unlink()
    with pytest.raises(StoreBroken):
        client.state(folder)


def test_a_key_file_is_bound_to_its_record(installed: Callable[[str], Path], eu: Export) -> None:
    folder = installed("eu")
    perform(folder, ask(eu.seal()))
    with Store.open(folder, Disk()) as store:
        files = store.files()
    km = records.secrets_of(files).km
    content = files[records.key_path("ContosoVault", "FirstKey")]
    assert records.open_key(content, km)
    with pytest.raises(Refused, match="was changed"):
        records.open_key(content.replace(b'"name":"FirstKey"', b'"name":"OtherKey"'), km)


def test_the_shipped_module_key_is_the_worlds(installed: Callable[[str], Path], targets: Targets) -> None:
    with Store.open(installed("eu"), Disk()) as store:
        secrets = records.secrets_of(store.files())
    assert crypto.key_hash("km", secrets.km) == targets["EU-1"].hkm
    public = crypto.rsa_public_der(crypto.rsa_load(secrets.kek_private))
    assert chain.public_key_hash(public) == targets["EU-1"].kek_hash


def test_a_stored_key_that_does_not_fit_the_public_key_is_found_out(eu: Export, honest: Acl) -> None:
    """No package gets this far, because the private key is compared before; the proof stands on its own."""
    record = records.KeyRecord(
        vault="v", name="n", kid="k", key_hash="h", public_key="p", subscription_id="s", package="d"
    )
    km = DRAW.take(32)
    content = records.key_file(record, STRANGER, honest, km, DRAW)
    stranger = encoding.text(crypto.rsa_public_der(crypto.rsa_load(STRANGER)))
    vault._prove(content, km, stranger, DRAW)
    with pytest.raises(Refused, match="does not sign for the source's public key"):
        vault._prove(content, km, eu.header.public_key, DRAW)
    with pytest.raises(Refused, match="does not begin with the line"):
        records.open_key(content[1:], km)
    with pytest.raises(Refused, match="no region is installed"):
        records.region_of({})
