"""What an action declares, and what it is given when it is performed.

An action says what it takes, what it makes, what must be true in the room, what it changes there, which requests it
makes, and how it is performed: a coroutine that asks and is answered. It never touches the world itself.
The module is longer than others because this is all that whoever adds an action has to know.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final, Generic, Literal, TypeVar

from msgspec import Struct
from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

from runner.codec import kind_of
from runner.errors import Defect
from runner.exchange import Acting, DeviceRefused, FilesRefused, Holder
from runner.plan import AllowedRequest, CardSet, Medium, Plan, PlannedArtefact, PlannedStep

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping

    from runner.situation import Situation
    from runner.values import Value


class Settings(BaseModel):
    """The `with:` of an action: strict, closed, frozen. Values are those after rendering."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


S = TypeVar("S", bound=Settings)


class NoSettings(Settings):
    """The action has no `with:`."""


class FileFact(Struct, frozen=True, kw_only=True):
    """A file as it was last seen: where, and which bytes.

    `size` is None for a file that is brought, until it arrives somewhere.
    """

    file: str
    store: str
    at: str
    size: int | None
    sha256: str

    @property
    def bytes_read(self) -> int:
        """The size of a file that a step made or moved: it was read."""
        if self.size is None:
            raise Defect(f"{self.file} was not read")
        return self.size

    def same(self, size: int, sha256: str) -> bool:
        """Say whether a file of this size and digest is this one."""
        return sha256 == self.sha256 and self.size in (None, size)


class Input(Struct, frozen=True, kw_only=True):
    """Something the action takes. `store` is where such a file lives, None: either. `least`: so many, 1 or 0.

    `changed`: it is another file afterwards, so it stands under `changes` and not under `uses`.
    """

    name: str
    many: bool = False
    least: int = 1
    store: str | None = "station"
    changed: bool = False


class Output(Struct, Generic[S], frozen=True, kw_only=True):
    """Something the action makes. `file` derives its name; None: the author names it. `many`: any number of them."""

    name: str
    store: str = "station"
    file: Callable[[S, Mapping[str, tuple[str, ...]]], str] | None = None
    many: bool = False
    transfer: bool = False


class Result(Struct, frozen=True, kw_only=True):
    """A value the step leaves behind. `type` is text, whole, flag, sha256, key_hash or public_key."""

    name: str
    type: str


class Needs(Struct, frozen=True, kw_only=True):
    """What must be true before. `network`: True needs one, False forbids one, None does not care.

    `cards_read`, `cards_written` and `cards_tried` name the setting that holds the card set; cards that are tried need
    not open anything any more, and are a quorum of the set, or all of it where the setting `all_tried` names has the
    value beside it. `medium` names the setting that holds the medium.
    """

    device: bool = False
    mode: str | None = None
    world: bool | None = None
    network: bool | None = None
    cards_read: str | None = None
    cards_written: str | None = None
    cards_tried: str | None = None
    all_tried: tuple[str, str] | None = None
    medium: str | None = None


class Unmet(Struct, frozen=True, kw_only=True):
    """A requirement that does not hold; `key` is the way to the value in the step that asks for it.

    What several steps ask for by one `cause` is told once; "" for a cause of its own.
    """

    rule: str
    words: str
    key: tuple[str | int, ...] = ()
    cause: str = ""


class Work(Struct, Generic[S], frozen=True, kw_only=True):
    """A step on its way to being done: the plan, the step, its settings, its people, and the files seen so far."""

    plan: Plan
    step: PlannedStep
    settings: S
    people: tuple[Acting, ...] = ()
    facts: Mapping[str, FileFact]

    @property
    def device(self) -> str:
        """The step's device; render gave every device step one."""
        if self.step.device is None:
            raise Defect(f"step {self.step.id} has no device")
        return self.step.device

    def inputs(self, name: str) -> tuple[PlannedArtefact, ...]:
        """The artefacts an input takes, in the author's order."""
        for uses in self.step.uses:
            if uses.input == name:
                return tuple(self.plan.artefact(artefact) for artefact in uses.artefacts)
        return ()

    def input(self, name: str) -> PlannedArtefact:
        """The one artefact of an input."""
        return self.inputs(name)[0]

    @property
    def outputs(self) -> tuple[PlannedArtefact, ...]:
        """The artefacts the step makes, in the author's order."""
        return tuple(self.plan.artefact(artefact) for artefact in self.step.makes)

    def card_set(self, card_set: str) -> CardSet:
        """The card set of that id; render checked that it exists."""
        found = self.plan.card_set(card_set)
        if found is None:
            raise Defect(f"no card set {card_set}")
        return found

    def holders(self, card_set: str) -> tuple[Holder, ...]:
        """The people of this step who hold a card of the set, by card number."""
        role = self.card_set(card_set).held_by
        holders = [
            Holder(person=acting.person, number=held.number)
            for acting in self.people
            if acting.role == role and (person := self.plan.person(acting.person)) is not None
            for held in person.cards
            if held.set == card_set
        ]
        return tuple(sorted(holders, key=lambda holder: holder.number))


class Done(Struct, frozen=True, kw_only=True):
    """The step did its work. `seen`: the files it made or moved, by artefact; `destroyed`: those that are gone."""

    results: Mapping[str, Value]
    seen: Mapping[str, FileFact]
    destroyed: tuple[str, ...] = ()


class Failed(Struct, frozen=True, kw_only=True):
    """The step could not be done. `status` is the device's, where it refused."""

    rule: str
    words: str
    status: str | None = None


Outcome = Done | Failed

NO_FACTS: Final[dict[str, FileFact]] = {}


def brought(plan: Plan) -> dict[str, FileFact]:
    """Return the files that exist before the ceremony, by artefact."""
    return {
        item.id: FileFact(file=item.file, store=item.store, at=where.at, size=None, sha256=where.sha256)
        for item, where in plan.brings
    }


def _nothing_more(_work: Work[Any], _situation: Situation) -> Iterator[Unmet]:
    return iter(())


def _no_change(_work: Work[Any], situation: Situation) -> Situation:
    return situation


def _no_command(_work: Work[Any]) -> str | None:
    return None


class Action(Struct, Generic[S], frozen=True, kw_only=True):
    """Everything the runner knows about one action. A shipped version stays replayable; a change is a new version.

    `repeat` says whether an interrupted step may simply be done again; `author`: only the playbook's author can know.
    `destroys` says whether something is gone afterwards; a step of any other action says that of nothing (ART006).
    """

    name: str
    version: int
    does: str
    settings: type[S]
    perform: Callable[[Work[S]], Coroutine[Any, Any, Outcome]]
    requests: Callable[[Work[S]], tuple[AllowedRequest, ...]]
    repeat: Literal["safe", "never", "author"]
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output[S], ...] = ()
    results: tuple[Result, ...] = ()
    must_expect: tuple[str, ...] = ()
    destroys: bool = False
    needs: Needs = Needs()
    requires: Callable[[Work[S], Situation], Iterator[Unmet]] = _nothing_more
    changes: Callable[[Work[S], Situation], Situation] = _no_change
    command: Callable[[Work[S]], str | None] = _no_command

    @property
    def pinned(self) -> str:
        """The action as a plan names it, with its version."""
        return f"{self.name}@{self.version}"


def allow(request: type[Any], *, least: int = 1, most: int = 1) -> AllowedRequest:
    """Return how often a step may make a kind of request."""
    return AllowedRequest(kind=kind_of(request), mutates=bool(request.mutates), least=least, most=most)


def refused(reply: DeviceRefused | FilesRefused) -> Failed:
    """Return the failure that a refusal is."""
    if isinstance(reply, FilesRefused):
        return Failed(rule=reply.rule, words=reply.words)
    return Failed(rule="RUN020", words=reply.words, status=reply.status)


def too_small(work: Work[Any], situation: Situation, medium: Medium) -> Iterator[Unmet]:
    """ART004: a step's `files` fit on a medium beside those put there before; a file that is there takes no more."""
    size, before = _bytes_on(work, situation, medium)
    if medium.free is not None and size + before > medium.free:
        beside = f" beside {before} bytes put there before," if before else ""
        words = f"the files may take {size} bytes{beside} and medium `{medium.id}` has {medium.free} free"
        yield Unmet(rule="ART004", words=words, key=("uses", "files"), cause=medium.id)


def put_on(work: Work[Any], situation: Situation, medium: Medium) -> Situation:
    """Return the situation in which a step's `files` are on a medium; those that did not fit take no room there."""
    if any(too_small(work, situation, medium)):
        return situation
    return situation.medium_after(medium.id, {artefact.id: artefact.at_most for artefact in work.inputs("files")})


def _bytes_on(work: Work[Any], situation: Situation, medium: Medium) -> tuple[int, int]:
    """Return how much the step's `files` that are not on a medium may take there, and how much those that are."""
    there = situation.on_media.get(medium.id, {})
    size = sum(artefact.at_most for artefact in work.inputs("files") if artefact.id not in there)
    return size, sum(there.values())


_KEY_FILE: Final = re.compile(r"key_([a-z]+)_([0-9a-z-]+)\Z")


def key_file(artefact: PlannedArtefact) -> tuple[str, str]:
    """Return application and identifier of a key file such as `key_simple_contosokey`."""
    match = _KEY_FILE.match(artefact.file)
    if match is None:
        raise Defect(f"{artefact.file} is not a key file's name")
    return match[1], match[2]


def is_key(artefact: PlannedArtefact) -> bool:
    """Say whether an artefact has the name of a key file of a world; where it lies, the input it is taken as says."""
    return _KEY_FILE.match(artefact.file) is not None


def key_of(work: Work[Any]) -> tuple[str, str] | None:
    """Return application and identifier of the key a step takes, for its command line; None where it takes none.

    A plan is rendered before `check` refuses such a step (ART007).
    """
    artefact = work.input("key")
    return key_file(artefact) if is_key(artefact) else None


def matching(rule: str, pattern: str, value: str, words: str) -> str:
    """Return `value` if all of it matches `pattern`; for validators of settings.

    Raises:
        PydanticCustomError: of type `rule`, saying `words`.
    """
    if re.fullmatch(pattern, value) is None:
        raise PydanticCustomError("rule", "{words}", {"rule": rule, "words": words})
    return value


def _key_name(value: str) -> str:
    words = "a key's name in the vault has 1 to 127 letters, digits and dashes"
    return matching("DEV013", r"[0-9A-Za-z-]{1,127}", value, words)


def _vault_name(value: str) -> str:
    return matching("DEV013", r"[0-9A-Za-z-]{3,24}", value, "a vault's name has 3 to 24 letters, digits and dashes")


KeyName = Annotated[str, AfterValidator(_key_name)]
"""A key's name in a vault. It is typed within quotes, so a quote in it would end them (DEV013)."""

VaultName = Annotated[str, AfterValidator(_vault_name)]
"""A vault's name, as above."""
