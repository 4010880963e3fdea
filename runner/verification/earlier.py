"""Earlier records that a plan takes values from. They need not be there: the values stand in the plan.

What is held: the values are in the plan once, for something that is compared or brought; and the checkpoint is not
another one than an auditor saw.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.verification.notes import read_root
from runner.verification.reading import ShapeError
from runner.verification.verdict import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.verification.answers import Value
    from runner.verification.trust import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """An earlier record as the plan has it: `results` by step and name, and the digests of `files` by artefact.

    `size` and `root` (32 bytes) are those of its last checkpoint.
    """

    rehearsal: bool
    origin: str
    size: int
    root: bytes
    results: dict[tuple[str, str], Value]
    files: dict[str, str]

    def expected(self, equals: dict[str, Any]) -> Value | None:
        """Return the value that an expectation names, None where the record has it not."""
        if "artefact" in equals:
            return self.files.get(equals["artefact"])
        return self.results.get((equals["step"], equals["result"]))


def read_records(data: dict[str, Any]) -> dict[str, Earlier]:
    """Return the earlier records of a plan that has the shape of one, by name.

    Raises:
        ShapeError: a name or a value twice; a value that no step compares with and no file is brought by; a comparison
            with a value that is not there; a root that is none.
    """
    found: dict[str, Earlier] = {}
    for item in data["records"]:
        results = {(one["step"], one["result"]): one["value"] for one in item["results"]}
        files = {one["artefact"]: one["sha256"] for one in item["files"]}
        if item["name"] in found or len(results) != len(item["results"]) or len(files) != len(item["files"]):
            raise ShapeError(f"plan.records names something twice: {item['name']}")
        found[item["name"]] = Earlier(
            rehearsal=item["rehearsal"],
            origin=item["origin"],
            size=item["size"],
            root=read_root(item["root"]),
            results=results,
            files=files,
        )
    compared = [one["equals"] for step in data["steps"] for one in step["expect"] if "record" in one["equals"]]
    for equals in compared:
        if equals["record"] not in found or found[equals["record"]].expected(equals) is None:
            raise ShapeError(f"a step compares with a value that the record {equals['record']} has not in the plan")
    brought = {item["brought"]["sha256"] for item in data["artefacts"] if item["brought"] is not None}
    for name, record in found.items():
        wanted = {
            (equals["step"], equals["result"]) for equals in compared if equals["record"] == name and "step" in equals
        }
        looked_at = {equals["artefact"] for equals in compared if equals["record"] == name and "artefact" in equals}
        unused = {artefact for artefact, sha256 in record.files.items() if sha256 not in brought} - looked_at
        if record.results.keys() - wanted or unused:
            raise ShapeError(f"plan.records.{name} has a value that nothing is compared with")
    return found


def seen_otherwise(records: dict[str, Earlier], registry: Registry) -> Iterator[Finding]:
    """LOG020: an earlier record has the root that an auditor saw in its log at its size."""
    for name, record in records.items():
        for origin, size, root in registry.checkpoints:
            if (origin, size) == (record.origin, record.size) and root != record.root:
                words = f"the record {name} is not the one whose first {size} entries were seen before"
                yield Finding(rule="LOG020", file="plan.json", words=words)


def notes_on(records: dict[str, Earlier], registry: Registry | None) -> Iterator[str]:
    """Yield what this record alone cannot show of the earlier ones, in words."""
    seen = () if registry is None else registry.checkpoints
    for name, record in records.items():
        if (record.origin, record.size, record.root) in seen:
            yield f"the plan takes values from the record {name}; its last checkpoint was seen before"
        else:
            yield f"the plan takes values from the record {name}; whether they are in it, only that record shows"
