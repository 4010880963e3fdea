"""Faults that an author writes: each is one finding with its rule and its place, and nothing is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import refusal_bench
from refusal_bench import Edit, add_to, drop, edit, within

if TYPE_CHECKING:
    from refusal_bench import Bench

AT_THE_END = "\nends_with:"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A fault: the edits that make it, the rule, a stretch of the edited file where it is, words of its message."""

    edits: tuple[Edit, ...]
    rule: str
    at: str
    words: str
    kind: str = "ceremony"


def case(*edits: Edit, rule: str, at: str, words: str, kind: str = "ceremony") -> Case:
    return Case(edits=edits, rule=rule, at=at, words=words, kind=kind)


SPELLING = {
    "unknown key": case(
        within("carry-in", "minutes: 10", "minuets: 10"), rule="SHP001", at="minuets", words="write `minutes`"
    ),
    "action": case(
        within("obtain-toolset", "obtain_file", "obtain_fil"), rule="SHP005", at="obtain_fil", words="obtain_file"
    ),
    "role in a quorum": case(
        within("reduce-permissions", "operator: 1", "opertor: 1"), rule="QUO006", at="opertor", words="operator"
    ),
    "region value": case(
        within("create-world", "region.cipher_suite", "region.cipher_suit"),
        rule="REG001",
        at="region.cipher_suit ",
        words="cipher_suite",
    ),
    "parameter": case(
        within("import-key", 'vault: "{{ params.vault_name }}"', 'vault: "{{ params.valt_name }}"'),
        rule="TPL001",
        at="params.valt_name",
        words="vault_name",
    ),
    "setting": case(
        within("back-up-world", "medium: backup-disk", "mediun: backup-disk"),
        rule="SHP001",
        at="mediun",
        words="`medium`",
    ),
    "setting of a step that makes what others use": case(
        within("generate-key", "size: 2048", "sise: 2048"), rule="SHP001", at="sise", words="`size`"
    ),
    "input": case(
        within("verify-packages", "verifier: verifier", "verifer: verifier"),
        rule="SHP001",
        at="verifer",
        words="`verifier`",
    ),
    "artefact": case(
        within("install-runtime", "[runtime]", "[runtim]"), rule="ART001", at="files: |[runtim]", words="runtime"
    ),
    "result": case(
        within("compare-public-key", "public_key: steps", "publik_key: steps"),
        rule="TPL010",
        at="publik_key",
        words="`public_key`",
    ),
    "step in a reference": case(
        within("inspect-copy", "steps.verify-packages.kek_hash", "steps.verify-package.kek_hash"),
        rule="TPL010",
        at="steps.verify-package.kek_hash",
        words="steps.verify-packages.kek_hash",
    ),
    "result in a reference": case(
        within("inspect-copy", "steps.verify-packages.kek_hash", "steps.verify-packages.kec_hash"),
        rule="TPL010",
        at="steps.verify-packages.kec_hash",
        words="kek_hash",
    ),
    "trust": case(
        within("verify-packages", "trust.maker_root", "trust.maker_rot"),
        rule="TPL010",
        at="trust.maker_rot",
        words="trust.maker_root",
    ),
    "reference in braces": case(
        within("obtain-toolset", "{sha256: trust.toolset}", '{sha256: "{{ trust.toolset }}"}'),
        rule="TPL003",
        at="trust.toolset }}",
        words="trust.toolset",
    ),
    "reference to a later step": case(
        within("inspect-copy", "steps.verify-packages.kek_hash", "steps.seal-package.key_hash"),
        rule="TPL011",
        at="archive_to: |steps.seal-package.key_hash",
        words="`seal-package` comes later",
    ),
    "reference to itself": case(
        within("inspect-copy", "steps.verify-packages.kek_hash", "steps.inspect-copy.key_hash"),
        rule="TPL011",
        at="archive_to: |steps.inspect-copy.key_hash",
        words="`inspect-copy` comes later",
    ),
}

FILES = {
    "on another station": case(
        add_to("install-runtime", "station: online"), rule="ART002", at="files: |[runtime]", words="`offline`"
    ),
    "before it exists": case(
        within("back-up-world", "[world-file]", "[key]"),
        rule="ART001",
        at="uses: {files: |[key]}\n\n  - id: mode-op",
        words="generate-key makes it",
    ),
    "after it was destroyed": case(
        edit(
            AT_THE_END,
            "\n  - {id: look-again, action: inspect_key, title: Look again, uses: {key: reduced-key}}\n" + AT_THE_END,
        ),
        rule="ART001",
        at="Look again, uses: {key: |reduced-key",
        words="is gone",
    ),
    "too large for the medium": case(
        edit("free: 16 MB", "free: 15999 kB"), rule="ART004", at="files: |[toolset]", words="15999000"
    ),
    "no backup in time": case(
        drop("back-up-key"),
        rule="ART005",
        at="key: {backup_before: |seal-package}",
        words="no backup before seal-package",
    ),
    "no backup before a step that is left out": case(
        drop("back-up-key"),
        within("generate-key", "backup_before: seal-package", "backup_before: inspect-copy"),
        edit("default: true, ask: Inspect", "default: false, ask: Inspect"),
        rule="ART005",
        at="backup_before: |inspect-copy",
        words="no backup before inspect-copy",
    ),
    "made twice in one place": case(
        within("unpack-toolset", 'file: "{{ names.runtime }}"', "file: VerifyKeyPackage.py"),
        rule="ART003",
        at="{file: VerifyKeyPackage.py}",
        words="is there already",
    ),
    "one artefact, two makers": case(
        within("unpack-toolset", "runtime:       {", "toolset:       {"),
        edit("[runtime]", "[toolset]"),
        rule="ART003",
        at='toolset:       {file: "{{ names',
        words="obtain-toolset",
    ),
    "a file name with a folder": case(
        within("seal-package", 'file: "{{ region', 'file: "../{{ region'),
        rule="ART003",
        at="transfer-package: |{file",
        words="not a plain file name",
    ),
    "backed up to what is carried": case(
        within("back-up-world", "medium: backup-disk", "medium: usb"),
        rule="ART008",
        at="medium: |usb}\n    uses: {files: [world",
        words="keeps none",
    ),
    "carried on what is kept": case(
        within("carry-back", "medium: usb", "medium: backup-disk"),
        rule="ART008",
        at="medium: |backup-disk, to",
        words="is not carried",
    ),
    "one digest expected of two files": case(
        within("carry-back", "[transfer-package]", "[transfer-package, runtime]"),
        rule="TPL010",
        at="sha256: |steps.seal-package.sha256",
        words="one digest",
    ),
    "one digest of two files, expected later": case(
        within(
            "carry-back",
            "[transfer-package]}\n    expect: {sha256: steps.seal-package.sha256}\n",
            "[transfer-package, runtime]}\n",
        ),
        edit(
            "  - id: compare-public-key\n",
            "  - {id: again, action: obtain_file, title: Again, with: {file: again.zip}, produces: {again: {}}, "
            "expect: {sha256: steps.carry-back.sha256}}\n\n  - id: compare-public-key\n",
        ),
        rule="TPL010",
        at="files: |[transfer-package, runtime]",
        words="one digest",
    ),
    "a reference to what is left out": case(
        edit("default: true, ask: Inspect", "default: false, ask: Inspect"),
        within("destroy-copy", "key_hash: steps.generate-key.key_hash", "key_hash: steps.inspect-copy.key_hash"),
        rule="TPL012",
        at="steps.inspect-copy.key_hash",
        words="left out",
    ),
}

ROOM = {
    "the mode switch was not moved back": case(
        drop("mode-operational"), rule="SIT001", at="action: |verify_packages", words="needs operational"
    ),
    "no world": case(
        drop("create-world"),
        drop("back-up-world"),
        edit("ends_with:\n  hsm: {mode: operational, world: acs}", "ends_with:\n  hsm: {mode: operational}"),
        rule="SIT002",
        at="action: |verify_packages",
        words="holds no Security World",
    ),
    "a device of which nothing says how it starts": case(
        edit("  hsm: {mode: operational, world: none}\n  acs: blank", "  acs: blank"),
        rule="SHP008",
        at="|acs: blank",
        words="nothing says how `hsm` starts",
    ),
    "a world already": case(
        edit("hsm: {mode: operational, world: none}", "hsm: {mode: operational, world: acs}"),
        rule="SIT003",
        at="action: |create_world",
        words="would erase it",
    ),
    "a networked action without network": case(
        add_to("compare-public-key", "station: offline"),
        rule="SIT004",
        at="}\n    station: |offline\n\n  - part: Leave",
        words="needs a network",
    ),
    "the device is elsewhere": case(
        edit("  offline: {title", "  annex:   {title: Another room, network: false}\n  offline: {title"),
        add_to("mode-operational", "station: annex"),
        rule="SIT007",
        at="station: |annex",
        words="`offline`",
    ),
    "another end": case(
        edit("ends_with:\n  hsm: {mode: operational,", "ends_with:\n  hsm: {mode: maintenance,"),
        rule="SIT005",
        at="hsm: |{mode: maintenance",
        words="operational at the end",
    ),
    "an end elsewhere": case(
        edit("transfer-package: {at: online}", "transfer-package: {at: offline}"),
        rule="SIT005",
        at="transfer-package: |{at: offline}",
        words="online at the end",
    ),
    "an end that leaves the copy": case(
        drop("destroy-copy"), rule="SIT005", at="reduced-key: |destroyed", words="there at the end"
    ),
    "cards that are not blank": case(
        edit("  acs: blank", "  acs: {written: true}"),
        rule="SIT006",
        at="card_set: |acs, cipher",
        words="written",
    ),
}

PEOPLE = {
    "threshold over cards": case(
        edit("threshold: 2, cards: 3", "threshold: 4, cards: 3"), rule="QUO001", at="threshold: |4", words="4 cards"
    ),
    "fewer holders than cards": case(
        within("create-world", "card_sets.acs.cards", "card_sets.acs.threshold"),
        rule="QUO002",
        at="quorum: |{administrator: card_sets.acs.threshold, operator: 1, witness: 1}\n    minutes: 20",
        words="writes 3 cards",
    ),
    "a number of people where holders are needed": case(
        within("reduce-permissions", "card_sets.acs.threshold", "2"),
        rule="QUO002",
        at="quorum: |{administrator: 2",
        words="reads 2 cards",
    ),
    "nobody to witness": case(
        edit(
            '  hana:   {name: Hana Suzuki,      roles: [witness],       key: "ssh-ed25519 AAAASIMULATEDhana"}\n',
            "",
            "roster",
        ),
        rule="QUO004",
        at="|id: record-subscription",
        words="witness, and 0 can come",
    ),
    "one person less than there are cards": case(
        edit(
            'roles: [administrator], key: "ssh-ed25519 AAAASIMULATEDfreya",  cards: {acs: 3}',
            'roles: [author], key: "ssh-ed25519 AAAASIMULATEDfreya"',
            "roster",
        ),
        rule="QUO009",
        at="quorum: |{administrator: card_sets.acs.cards",
        words="the roster has 2",
    ),
    "two roles of one line": case(
        edit(
            'roles: [operator],      key: "ssh-ed25519 AAAASIMULATEDgoran"',
            'roles: [operator, witness], key: "ssh-ed25519 AAAASIMULATEDgoran"',
            "roster",
        ),
        rule="QUO005",
        at="|- [author, approver]",
        words="goran is operator and witness",
    ),
    "a card given twice": case(
        edit("cards: {acs: 2}", "cards: {acs:  1}", "roster"),
        rule="QUO003",
        at="{acs:  |1}",
        words="`deniz` and to `emeka`",
        kind="roster",
    ),
    "a card there is not": case(
        edit("cards: {acs: 3}", "cards: {acs: 4}", "roster"),
        rule="QUO003",
        at="acs: |4",
        words="has 3 cards",
        kind="roster",
    ),
    "two cards for one person": case(
        edit("cards: {acs: 3}", "cards: {acs: 3, acs: 2}", "roster"),
        rule="YAM014",
        at="acs: 3, |acs: 2",
        words="acs",
        kind="roster",
    ),
}

DEVICE = {
    "protection by cards": case(
        within("generate-key", "protect: module, ident", "protect: token, ident"),
        rule="DEV010",
        at="protect: |token",
        words="protect: module",
    ),
    "identifier in upper case": case(
        within("generate-key", 'ident: "{{ params.key_ident }}"', "ident: ContosoKey"),
        rule="DEV011",
        at="ident: |ContosoKey",
        words="lower-case",
    ),
    "identifier with an underscore": case(
        within("generate-key", 'ident: "{{ params.key_ident }}"', "ident: contoso_key"),
        rule="DEV011",
        at="ident: |contoso_key",
        words="lower-case",
    ),
    "identifier of 81 characters": case(
        within("generate-key", 'ident: "{{ params.key_ident }}"', f"ident: {'k' * 81}"),
        rule="DEV011",
        at=f"ident: |{'k' * 81}",
        words="80",
    ),
    "subscription": case(
        within("seal-package", 'subscription_id: "{{ params.subscription_id }}"', "subscription_id: contoso"),
        rule="DEV012",
        at="subscription_id: |contoso",
        words="GUID",
    ),
    "name in the vault": case(
        within("seal-package", 'friendly_name: "{{ params.friendly_name }}"', "friendly_name: Contoso HSM key"),
        rule="DEV013",
        at="friendly_name: |Contoso HSM key",
        words="127",
    ),
    "a vault's name that ends the quotes it is typed in": case(
        within("import-key", 'vault: "{{ params.vault_name }}"', "vault: \"a'; Remove-Item 'b\""),
        rule="DEV013",
        at="vault: |\"a'; Remove",
        words="vault's name",
    ),
    "another command": case(
        within("generate-key", "nvram=no", "nvram=yes"),
        rule="DEV020",
        at='command: |"generatekey',
        words="nvram=no",
    ),
    "repetition loosened": case(
        add_to("generate-key", "repeat: safe"),
        rule="RUN001",
        at="repeat: |safe\n\n  - id: back-up-key",
        words="done once",
    ),
    "a digest that is not compared": case(
        within("obtain-toolset", "    expect: {sha256: trust.toolset}\n", ""),
        rule="SEC002",
        at="|id: obtain-toolset",
        words="sha256",
    ),
    "a root that is not compared": case(
        within("verify-packages", "root_hash: trust.maker_root, ", ""),
        rule="SEC002",
        at="|id: verify-packages",
        words="root_hash",
    ),
    "a destruction that is not looked at": case(
        within("destroy-copy", "gone: true, ", ""), rule="SEC002", at="|id: destroy-copy", words="gone"
    ),
    "a destruction that is not announced": case(
        within("destroy-copy", "    destroys: [reduced-key]\n", ""),
        rule="ART006",
        at="|id: destroy-copy",
        words="destroys",
    ),
    "the original destroyed": case(
        within(
            "destroy-copy",
            "uses: {key: reduced-key}\n    destroys: [reduced-key]",
            "uses: {key: key}\n    destroys: [key]",
        ),
        edit("  reduced-key: destroyed", "  key: destroyed"),
        rule="ART007",
        at="{key: |key}\n    destroys",
        words="the copy that reduce_key made",
    ),
    "a pattern for an answer, which nobody would check": case(
        within("create-world", "bags: {type: text,", 'bags: {type: text, pattern: "[A-Z0-9, ]+",'),
        rule="SHP011",
        at='pattern: |"[A-Z0-9, ]+"',
        words="pattern",
    ),
}


@pytest.mark.parametrize("fault", SPELLING | FILES | ROOM | PEOPLE | DEVICE, ids=str)
def test_one_fault_is_one_finding_and_nothing_is_made(bench: Bench, fault: str) -> None:
    one = (SPELLING | FILES | ROOM | PEOPLE | DEVICE)[fault]
    bench.change(*one.edits)
    bench.refused_everywhere(one.rule, bench.place(one.at, one.kind), one.words)


def test_the_shipped_playbook_has_no_fault_in_any_region_and_edition(bench: Bench) -> None:
    before = refusal_bench.tree(bench.folder)
    said = bench.run("lint", refusal_bench.name("ceremony"))
    assert (said.code, said.out) == (0, "")
    assert refusal_bench.tree(bench.folder) == before
