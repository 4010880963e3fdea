"""Files and keys across the steps: what was made is what was carried and sealed, and it is one key all the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runner.verification.verdict import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.verification.plan import Plan, Step

Bytes = tuple[int, str]
"""Size and SHA-256 of a file."""

_ARRIVES: Final = frozenset({"obtain_file", "carry_file", "back_up_file", "collect_package", "look_at_file"})


class Artefacts:
    """Follows the files a plan declares.

    Attributes:
        known: size and digest of each artefact, from the step that made or changed it on, or first moved one that was
            brought.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._seen: dict[str, Bytes] = {}
        self.known: dict[str, Bytes] = {}

    def begin(self) -> None:
        """Begin a step: no file was seen in it yet."""
        self._seen = {}

    def asked(self, step: Step, request: dict[str, Any], seq: int) -> Iterator[Finding]:
        """LOG043: a request that names the digest of a file it uses names that of the file as it was."""
        if "sha256" not in request:
            return
        for artefact in step.uses:
            here = self.known.get(artefact, (0, self._plan.artefacts[artefact].brought))[1]
            if self._plan.artefacts[artefact].file == request["file"] and here != request["sha256"]:
                words = f"{request['file']} is asked for with another digest than it had when it was made"
                yield Finding(rule="LOG043", seq=seq, words=words)

    def replied(
        self, step: Step, request: tuple[str, dict[str, Any]], reply: dict[str, Any], seq: int
    ) -> Iterator[Finding]:
        """LOG043: a file that was made or brought before is, wherever it arrives, still exactly what it was.

        But for those that the step changes.
        """
        kind, fields = request
        seen: dict[str, Bytes] = {item["file"]: (item["size"], item["sha256"]) for item in reply.get("items", [])}
        if "sha256" in reply:
            name = fields["file"] if kind in _ARRIVES else reply.get("file")
            if name is not None:
                seen[name] = (reply["size"], reply["sha256"])
        for name, content in seen.items():
            for artefact in step.uses - step.changes:
                if self._plan.artefacts[artefact].file == name and not self._may_be(artefact, content):
                    yield Finding(rule="LOG043", seq=seq, words=f"{name} is not what it was when it was made")
        self._seen |= seen

    def done(self, step: Step, made: list[dict[str, Any]], destroyed: list[str], seq: int) -> Iterator[Finding]:
        """Check the files a step says it made.

        LOG042: they are the plan's, under their names and places, no larger than planned, each once, none left out, and
        each is what a reply of this step showed. LOG043: those it only moved are what they were. LOG042 too: it
        destroyed what the plan destroys.
        """
        ids = [item["artefact"] for item in made]
        if len(ids) != len(set(ids)) or {*step.makes, *step.changes} - set(ids) or set(ids) - {*step.makes, *step.uses}:
            yield Finding(rule="LOG042", seq=seq, words=f"step {step.id} did not make exactly its files")
            return
        if set(destroyed) != step.destroys or len(destroyed) != len(step.destroys):
            yield Finding(rule="LOG042", seq=seq, words=f"step {step.id} did not destroy exactly its files")
        for item in made:
            yield from self._made(step, item, seq)

    def _made(self, step: Step, item: dict[str, Any], seq: int) -> Iterator[Finding]:
        artefact, content = item["artefact"], (item["size"], item["sha256"])
        planned = self._plan.artefacts[artefact]
        if item["file"] != planned.file or self._seen.get(planned.file) != content:
            yield Finding(rule="LOG042", seq=seq, words=f"{artefact} is not the file that a reply of its step showed")
        if artefact not in {*step.makes, *step.changes}:
            moved = artefact in self.known or planned.brought is not None
            if not moved or not self._may_be(artefact, content):
                yield Finding(rule="LOG043", seq=seq, words=f"{artefact} is not what it was when it was made")
            self.known.setdefault(artefact, content)
            return
        if item["store"] != planned.store or item["at"] != step.station or item["size"] > planned.at_most:
            yield Finding(rule="LOG042", seq=seq, words=f"{artefact} is at another place or larger than planned")
        self.known[artefact] = content

    def _may_be(self, artefact: str, content: Bytes) -> bool:
        """Say whether nothing is known against it that an artefact is this."""
        if artefact in self.known:
            return self.known[artefact] == content
        return self._plan.artefacts[artefact].brought in (None, content[1])

    def transferred(self) -> dict[str, Bytes]:
        """Return size and digest by file name of what was made to leave the ceremony."""
        return {
            self._plan.artefacts[artefact].file: content
            for artefact, content in self.known.items()
            if self._plan.artefacts[artefact].transfer
        }


class Keys:
    """Follows each key by its identifier, into its package, into its vault; and the region they go to."""

    def __init__(self) -> None:
        self._facts: dict[tuple[str, ...], dict[str, str]] = {}
        self._region: str | None = None
        self._sealed: dict[str, str] = {}

    def replied(self, kind: str, request: dict[str, Any], reply: dict[str, Any], seq: int) -> Iterator[Finding]:
        """LOG044: one key has one hash and one public key in every reply. LOG045: one region in all of them."""
        if "region" in reply:
            if self._region not in (None, reply["region"]):
                words = f"the package is for {reply['region']}, the region verified was {self._region}"
                yield Finding(rule="LOG045", seq=seq, words=words)
            self._region = self._region or reply["region"]
        facts = self._known(kind, request)
        if facts is None:
            return
        for name in ("key_hash", "public_key"):
            if name in reply and facts.setdefault(name, reply[name]) != reply[name]:
                yield Finding(rule="LOG044", seq=seq, words=f"{name} is not that of the key it must be: {reply[name]}")

    def _known(self, kind: str, request: dict[str, Any]) -> dict[str, str] | None:
        """Return what is known of the key a request is about; None where it is about none."""
        match kind:
            case "generate_key":
                self._facts[("key", request["ident"])] = {}
                return self._facts[("key", request["ident"])]
            case "reduce_key" | "inspect_key" | "prove_key" | "destroy_key":
                return self._facts.setdefault(("key", request["ident"]), {})
            case "seal_package":
                self._sealed = self._facts.setdefault(("key", request["ident"]), {})
                return self._sealed
            case "collect_package":
                self._facts[("package", request["file"])] = self._sealed
            case "import_key":
                facts = self._facts.setdefault(("package", request["package"]), {})
                self._facts[("vault", request["vault"], request["name"])] = facts
                return facts
            case "read_vault_key":
                return self._facts.setdefault(("vault", request["vault"], request["name"]), {})
            case _:
                pass
        return None
