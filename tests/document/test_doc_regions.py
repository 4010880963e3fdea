"""Regions and editions: what is offered when, which values are in force, and the package's own files."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from document_vectors import CEREMONY, VECTORS, good_regions, vector

from runner.document.editions import NotOffered, Offered, check_editions, offered, offered_regions, values_at
from runner.document.parse import parse_playbook, parse_regions, parse_roster
from runner.document.source import Source, read_source
from runner.errors import Exit, PlaybookFault, WrongUse
from runner.vocabulary import hex_digits

if TYPE_CHECKING:
    from runner.document.regions import Regions


def _file(name: str) -> Source:
    return read_source(name, (CEREMONY / name).read_bytes())


@pytest.fixture(scope="module")
def byok() -> Regions:
    document = parse_regions(_file("azure-byok.regions.yaml"))
    assert document.findings == ()
    assert document.value is not None
    return document.value


@pytest.mark.parametrize(
    ("edition", "count"),
    [
        ("2015-09-18", 6),
        ("2016-02-01", 7),
        ("2016-10-24", 10),
        ("2016-11-30", 10),
        ("2017-05-09", 12),
        ("2019-08-16", 18),
    ],
)
def test_how_many_regions_each_edition_offers(byok: Regions, edition: str, count: int) -> None:
    assert len(offered_regions(byok, edition)) == count


def test_every_published_digest_is_in_force_on_its_date(byok: Regions) -> None:
    lines = (VECTORS / "published-digests.txt").read_text().splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    assert {code for code, _, _ in rows} | {"china"} == set(byok.regions)
    for code, date, digest in rows:
        in_force = byok.regions[code].values["toolset_sha256"].at(date)
        assert hex_digits(str(in_force)) == digest.lower()


def test_each_digest_is_written_only_where_it_changed(byok: Regions) -> None:
    for region in byok.regions.values():
        if "toolset_sha256" in region.values:
            digests = [value for _, value in region.values["toolset_sha256"].since]
            assert all(before != after for before, after in pairwise(digests))


def test_every_offered_region_has_every_value_in_every_edition(byok: Regions) -> None:
    for edition in byok.editions:
        for code in offered_regions(byok, edition):
            assert set(values_at(byok, code, edition)) == byok.names()


def test_values_follow_the_edition(byok: Regions) -> None:
    first, last = values_at(byok, "eu", "2015-09-18"), values_at(byok, "eu", "2019-08-16")
    assert (first["package_prefix"], last["package_prefix"]) == ("TransferPackage", "KeyTransferPackage")
    assert first["toolset_sha256"] != last["toolset_sha256"]
    assert values_at(byok, "germany-public", "2019-08-16")["token"] == values_at(byok, "germany", "2019-08-16")["token"]


@pytest.mark.parametrize(
    ("code", "edition", "rule", "says"),
    [
        ("uk", "2017-05-09", "REG004", "no package names"),
        ("korea", "2016-11-30", "REG004", "2017-05-09"),
        ("china", "2019-08-16", "REG004", "does not offer"),
        ("korae", "2019-08-16", "REG010", "korea"),
        ("eu", "2019-08-15", "REG005", "2019-08-16"),
        ("eu", "last", "REG005", "last"),
    ],
)
def test_what_is_not_offered(byok: Regions, code: str, edition: str, rule: str, says: str) -> None:
    found = offered(byok, code, edition)
    assert isinstance(found, NotOffered)
    with pytest.raises((WrongUse, PlaybookFault), match=says) as refused:
        values_at(byok, code, edition)
    exit_code = Exit.REFUSED if rule == "REG004" else Exit.WRONG_USE
    assert (refused.value.rule, refused.value.exit_code, found.rule) == (rule, exit_code, rule)


def test_offered_until() -> None:
    text = (
        (VECTORS / "good.regions.yaml")
        .read_text()
        .replace('{from: "2020-01-01"}', '{from: "2020-01-01", until: "2021-01-01", because: It closed}', 1)
    )
    regions = parse_regions(read_source("x", text.encode())).value
    assert regions is not None
    assert offered(regions, "north", "2020-01-01") == Offered("north", "2020-01-01")
    gone = offered(regions, "north", "2021-01-01")
    assert isinstance(gone, NotOffered)
    assert gone.rule == "REG004"


def test_an_edition_the_regions_do_not_have() -> None:
    text = (VECTORS / "good.ceremony.yaml").read_text()
    follows = 'follows: {procedure: Press, edition: "2020-01-01", also: ["2020-12-31"]}\nregions:'
    playbook = parse_playbook(
        read_source("x", text.replace("regions:", follows, 1).encode()), regions=lambda _named: good_regions()
    )
    assert playbook.findings == ()
    found = check_editions(playbook, good_regions().editions)
    assert [(finding.code, finding.place.span.line, finding.help) for finding in found] == [
        ("REG005", 7, "the nearest is 2021-01-01")
    ]


def test_equal_digests_at_different_times_are_no_confusion() -> None:
    text = (VECTORS / "good.regions.yaml").read_text().replace("C" * 64, "B" * 64)
    late = text.replace('"2020-06-01": ' + "B" * 64, '"2020-06-01": ' + "B" * 64 + ', "2020-12-31": ' + "E" * 64)
    assert parse_regions(read_source("x", late.encode())).findings == ()
    assert [finding.code for finding in parse_regions(read_source("x", text.encode())).findings] == ["REG003"]


def test_the_roster_fits_the_ceremony() -> None:
    assert parse_roster(_file("azure-byok.roster.yaml")).findings == ()


def test_values_cannot_be_changed() -> None:
    regions = parse_regions(vector("good.regions.yaml")).value
    assert regions is not None
    with pytest.raises(TypeError):
        regions.regions["north"] = None  # type: ignore[index]
