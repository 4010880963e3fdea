"""Faults that an author writes: each is one finding with its rule and its place, and nothing is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import refusal_bench
from refusal_bench import Edit, add_to, drop, edit, key_of, of_person, person_text, waiving, within

from runner.plan import Approvals, ExceptionAllowed, Item, Waiver, Wanted, parse_plan

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
    "text and a number": case(
        within(
            "create-world",
            "    produces:\n      world-file",
            "    expect: {bags: card_sets.acs.cards}\n    produces:\n      world-file",
        ),
        rule="SHP003",
        at="|card_sets.acs.cards}",
        words="a whole number",
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
        edit("free: 16 MB", "free: 14999 kB"), rule="ART004", at="files: |[toolset]", words="14999000"
    ),
    "too large beside what the medium has already": case(
        edit("free: 16 MB", "free: 15999 kB"), rule="ART004", at="files: |[transfer-package]", words="15999000"
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
        edit("free: 16 MB", "free: 17 MB"),
        within("carry-back", "[transfer-package]", "[transfer-package, runtime]"),
        rule="TPL010",
        at="sha256: |steps.seal-package.sha256",
        words="one digest",
    ),
    "one digest of two files, expected later": case(
        edit("free: 16 MB", "free: 17 MB"),
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
        words="is for a device without one",
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
        edit(person_text("hana"), "", "roster"),
        rule="QUO004",
        at="|id: record-subscription",
        words="witness, and 0 can come",
    ),
    "one person less than there are cards": case(
        of_person("freya", ",  cards: {acs: 3}", ""),
        rule="QUO009",
        at="quorum: |{administrator: card_sets.acs.cards",
        words="the roster has 2",
    ),
    "two roles of one line": case(
        of_person("goran", "roles: [operator]", "roles: [operator, witness]"),
        rule="QUO005",
        at="roles: |[operator, witness]",
        words="goran is operator and witness",
        kind="roster",
    ),
    "a stand-in counts nowhere": case(
        of_person("goran", "roles: [operator]", "roles: [author]"),
        rule="QUO004",
        at="|id: record-subscription",
        words="operator, and 0 can come",
    ),
    "a stand-in with a card": case(
        of_person("freya", "cards: {acs: 3}", "cards: {acs: 3}, stands_in_for: goran"),
        rule="QUO009",
        at="quorum: |{administrator: card_sets.acs.cards",
        words="the roster has 2",
    ),
    "a stand-in for a holder of a card": case(
        of_person("ines", "stands_in_for: goran", "stands_in_for: freya"),
        rule="QUO014",
        at="stands_in_for: |freya",
        words="holds a card of `acs`",
        kind="roster",
    ),
    "one key for two people": case(
        of_person("goran", key_of("goran"), key_of("hana").rstrip('"') + ' second"'),
        rule="QUO013",
        at='Hana Suzuki,      roles: [witness],       key: |"ssh',
        words="`hana` and `goran` have the same key",
        kind="roster",
    ),
    "a key that is cut off": case(
        of_person("goran", key_of("goran"), key_of("goran")[:-5] + '"'),
        rule="QUO015",
        at='Goran Petrov,     roles: [operator],      key: |"ssh',
        words="cut off",
        kind="roster",
    ),
    "a witness without a key": case(
        of_person("hana", key_of("hana"), ""),
        rule="QUO016",
        at="Suzuki,      roles: |[witness]",
        words="hana has no key, and as witness may have to close the ceremony",
        kind="roster",
    ),
    "an approver without a key": case(
        of_person("bjorn", key_of("bjorn"), ""),
        rule="QUO016",
        at="Lindgren,   roles: |[approver]",
        words="may have to approve the plan",
        kind="roster",
    ),
    "a holder of a card without a key": case(
        of_person("emeka", key_of("emeka"), ""),
        rule="QUO016",
        at="Adeyemi,    roles: |[administrator]",
        words="may have to sign for `create-world`",
        kind="roster",
    ),
    "a stand-in without a key": case(
        of_person("ines", key_of("ines"), ""),
        rule="QUO016",
        at="Carvalho,    roles: |[operator]",
        words="ines has no key",
        kind="roster",
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
    "a pattern for an answer that not every verifier can follow": case(
        within("create-world", "bags: {type: text,", 'bags: {type: text, pattern: "([A-Z0-9]+,? ?)+",'),
        rule="SHP006",
        at='pattern: |"([A-Z0-9]+,? ?)+"',
        words="no groups",
    ),
    "a least number for a text": case(
        within("create-world", "bags: {type: text,", "bags: {type: text, at_least: 3,"),
        rule="SHP006",
        at="|at_least: 3",
        words="for the type whole",
    ),
}


CONTROL = {
    "more approvers than there are": case(
        edit("plan: {approver: 2}", "plan: {approver: 3}"),
        rule="QUO011",
        at="plan: |{approver: 3}",
        words="3 people are needed as approver, and 2 can come",
    ),
    "one approver in two places": case(
        edit("plan: {approver: 2}", "plan: {approver: 2, reader: 1}"),
        edit("  author:        {title", "  reader:        {title: Second approver}\n  author:        {title"),
        of_person("bjorn", "roles: [approver]", "roles: [approver, reader]"),
        rule="QUO011",
        at="plan: |{approver: 2, reader: 1}",
        words="the same people",
    ),
    "a stand-in to close the ceremony": case(
        edit("close: {witness: 1}", "close: {operator: 2}"),
        rule="QUO011",
        at="close: |{operator: 2}",
        words="2 people are needed as operator, and 1 can come",
    ),
    "a role that is not declared to approve": case(
        edit("plan: {approver: 2}", "plan: {aprover: 2}"), rule="QUO011", at="aprover", words="write `approver`"
    ),
    "more people to let pass than there are": case(
        edit("role: witness, people: 1}", "role: witness, people: 2}"),
        rule="QUO011",
        at="- |{rule: RUN016",
        words="2 people are needed as witness, and 1 can come",
    ),
    "a quorum that may be let pass": case(
        edit("{rule: RUN016,", "{rule: QUO008,"), rule="SHP012", at="QUO008", words="RUN002, RUN010, RUN016, REG007"
    ),
    "a separation that is waived": case(
        waiving("{rule: QUO005, because: There are too few of us}"),
        rule="SHP012",
        at="QUO005",
        words="QUO012, RUN010, REG007",
    ),
    "the key made without a signature": case(
        add_to("generate-key", "sign_off: typed"),
        rule="QUO012",
        at="sign_off: |typed",
        words="`generate-key` happens once",
    ),
    "the world made without a word": case(
        add_to("create-world", "sign_off: none"), rule="QUO012", at="sign_off: |none", words="happens once"
    ),
    "a step made a single one, without a signature": case(
        add_to("carry-in", "repeat: never"),
        edit(
            "    repeat: never\n\n  - part: Prepare the disc",
            "    repeat: never\n    sign_off: none\n\n  - part: Prepare the disc",
        ),
        rule="QUO012",
        at="sign_off: |none",
        words="`carry-in` happens once",
    ),
    "a waiver for another step": case(
        add_to("create-world", "sign_off: none"),
        add_to("generate-key", "sign_off: typed"),
        waiving("{rule: QUO012, step: create-world, because: It is a test}"),
        rule="QUO012",
        at="sign_off: |typed",
        words="`generate-key` happens once",
    ),
    "a waiver of another rule": case(
        add_to("generate-key", "sign_off: typed"),
        waiving("{rule: RUN010, because: It is a test}"),
        rule="QUO012",
        at="sign_off: |typed",
        words="happens once",
    ),
    "a waiver nobody needs": case(
        waiving("{rule: QUO012, because: It is a test}"),
        rule="SHP010",
        at="|{rule: QUO012",
        words="any step",
    ),
    "a waiver for a step that does not need it": case(
        add_to("carry-in", "sign_off: typed"),
        waiving("{rule: QUO012, step: carry-in, because: It is a test}"),
        rule="SHP010",
        at="|{rule: QUO012",
        words="this step",
    ),
    "a waiver for editions that stay in force": case(
        edit('withdrawn: {on: "2021-06-30", because: The publisher ended support for this method}\n', "", "regions"),
        waiving("{rule: REG007, because: It is a test}"),
        rule="SHP010",
        at="rule: |REG007",
        words="replaced or withdrawn",
    ),
}
FAULTS = SPELLING | FILES | ROOM | PEOPLE | DEVICE | CONTROL


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_one_fault_is_one_finding_and_nothing_is_made(bench: Bench, fault: str) -> None:
    one = FAULTS[fault]
    bench.change(*one.edits)
    bench.refused_everywhere(one.rule, bench.place(one.at, one.kind), one.words)


def test_the_shipped_playbook_has_no_fault_in_any_region_and_edition(bench: Bench) -> None:
    before = refusal_bench.tree(bench.folder)
    said = bench.run("lint", refusal_bench.name("ceremony"))
    assert (said.code, said.out) == (0, "")
    assert refusal_bench.tree(bench.folder) == before


def test_a_waiver_with_a_reason_lets_a_single_step_be_typed_and_stands_in_the_plan(bench: Bench) -> None:
    waiver = '{rule: QUO012, step: generate-key, because: It is a test, until: "2027-01-31"}'
    bench.change(add_to("generate-key", "sign_off: typed"), waiving(waiver))
    assert bench.lint().out == ""
    said = bench.plan()
    assert said.code == 0
    assert "waived: QUO012 at generate-key: It is a test, until 2027-01-31\n" in said.out
    plan = parse_plan((bench.folder / "plan.json").read_bytes())
    assert plan.waivers == (Waiver(rule="QUO012", step="generate-key", because="It is a test", until="2027-01-31"),)
    assert {step.sign_off for step in plan.steps if step.id == "generate-key"} == {"typed"}


@pytest.mark.parametrize("line", ["{rule: REG007, because: It is a test}", "{rule: RUN010, because: It is a test}"])
def test_whether_other_waivers_are_needed_is_known_on_the_day(bench: Bench, line: str) -> None:
    bench.change(waiving(line))
    assert bench.lint().out == ""


def test_whoever_signs_nothing_needs_no_key(bench: Bench) -> None:
    bench.change(of_person("amara", key_of("amara"), ""))
    assert bench.lint().out == ""
    assert bench.plan().code == 0
    author = parse_plan((bench.folder / "plan.json").read_bytes()).person("amara")
    assert author is not None
    assert author.key is None


def test_what_a_playbook_sets_stands_in_the_plan(bench: Bench) -> None:
    bench.change(of_person("hana", key_of("hana"), key_of("hana").rstrip('"') + ' hana@desk"'))
    said = bench.plan()
    plan = parse_plan((bench.folder / "plan.json").read_bytes())
    assert plan.approvals == Approvals(
        plan=(Wanted(role="approver", count=2),), close=(Wanted(role="witness", count=1),), days=30
    )
    assert plan.exceptions == (ExceptionAllowed(rule="RUN016", role="witness", people=1),)
    assert plan.inventory[0] == Item(item="blank administrator cards", count=3)
    assert all(step.sign_off == ("signed" if step.repeat == "never" else "none") for step in plan.steps)
    witness = plan.person("hana")
    assert witness is not None
    assert f'key: "{witness.key}"' in key_of("hana")
    for line in (
        "approved by 2 approver, for 30 days",
        "closed by 1 witness",
        "may pass: RUN016, by 1 witness",
        "on the table: 3 blank administrator cards",
        "       at offline, with 1 operator, 1 witness, 5 min, once only, signed by each",
    ):
        assert f"{line}\n" in said.out


def test_a_step_may_ask_for_more_than_it_has_to(bench: Bench) -> None:
    bench.change(add_to("carry-in", "sign_off: signed"), add_to("carry-back", "sign_off: typed"))
    assert bench.plan().code == 0
    plan = parse_plan((bench.folder / "plan.json").read_bytes())
    assert [step.sign_off for step in plan.steps if step.id in {"carry-in", "carry-back"}] == ["signed", "typed"]


def test_a_playbook_that_asks_for_no_approval(bench: Bench) -> None:
    text = bench.text()
    start, end = text.index("approvals:"), text.index("starts_with:")
    bench.change(edit(text[start:end], ""))
    said = bench.plan()
    assert said.code == 0
    assert "approved by" not in said.out
    plan = parse_plan((bench.folder / "plan.json").read_bytes())
    assert plan.approvals == Approvals(plan=(), close=(), days=None)
    assert (plan.inventory, plan.exceptions, plan.waivers) == ((), (), ())
