"""The steps of a plan: each with its action's settings, files, people and expected results fixed.

The module is longer than others because a step is rendered from many parts that lean on each other.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from runner.actions.registry import BY_NAME
from runner.document.fields import CardSetFigure, RecordFile, reference
from runner.exchange import Need
from runner.plan import Ask, Brought, PlannedArtefact, PlannedStep, Uses
from runner.render_draft import Draft
from runner.render_expectations import Expectations
from runner.render_settings import settings_of
from runner.values import WORDS, as_value
from runner.vocabulary import closest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from runner.actions.interface import Output
    from runner.document.findings import Path
    from runner.document.playbook import Part, Playbook, Step
    from runner.plan import Trusted
    from runner.render_records import Records
    from runner.template_values import Values


class Steps(Struct, frozen=True, kw_only=True):
    """The steps, the files they make, and which waivers they need, by number from 0."""

    steps: tuple[PlannedStep, ...]
    artefacts: tuple[PlannedArtefact, ...]
    waived: frozenset[int]


SIGN_OFFS: Final = ("none", "typed", "signed")
"""From the weakest to the strongest."""

PLAIN_FILE: Final = re.compile(
    r"(?!(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z))"
    r"[^\s./\\:*?\"<>|](?:[^\x00-\x1f/\\:*?\"<>|]*[^\s./\\:*?\"<>|])?",
    re.IGNORECASE,
)
"""A name that means one file in one folder at every station: Windows drops a dot or space at the end, takes what is
behind a colon for another stream, and some names for devices."""

NOBODY: Final[Mapping[str, Any]] = MappingProxyType({})


class StepRenderer:
    """Renders the steps of one playbook for one choice."""

    def __init__(self, playbook: Playbook, values: Values, trust: tuple[Trusted, ...], records: Records) -> None:
        self._playbook = playbook
        self._values = values
        self._report = values.report
        self._records = records
        self._artefacts: dict[str, PlannedArtefact] = {}
        self._expectations = Expectations(playbook, values, trust, records)
        self._unmade: set[str] = set()
        self._device_missing = False
        self._absent: list[tuple[Path, str]] = []
        self._begun: Part | None = None
        self._positions = {id(line): number for number, line in enumerate(playbook.steps)}
        self._waived: set[int] = set()

    def render(self) -> Steps | None:
        """Return the steps, or None where a fault keeps a step from being planned; faults are in the report."""
        self._bring()
        planned: list[PlannedStep] = []
        complete = True
        for position, part, step in self._playbook.numbered_steps():
            self._expectations.later.remove(step.id)
            draft = self._draft(position, part, step)
            done = None if draft is None else self._step(draft)
            if done is None:
                complete = False
                self._expectations.results[step.id] = {}
                self._unmade.update(step.produces)
            else:
                planned.append(done)
        if not complete:
            return None
        return Steps(steps=tuple(planned), artefacts=tuple(self._artefacts.values()), waived=frozenset(self._waived))

    def _bring(self) -> None:
        """Plan what is brought: each a plain name with a digest (SHP003), alone in its place (ART003)."""
        for name, written in self._playbook.brings.items():
            path = ("brings", name)
            file = self._values.text(written.file, (*path, "file"))
            digest = self._digest(written.sha256, (*path, "sha256"))
            if PLAIN_FILE.fullmatch(file) is None:
                self._fault("ART003", f"{file!r} is not a plain file name", (*path, "file"))
            for other in self._artefacts.values():
                if other.brought is not None and (other.file.casefold(), other.brought.at) == (
                    file.casefold(),
                    written.at,
                ):
                    self._fault("ART003", f"{file} is there already: it is `{other.id}`", (*path, "file"))
            self._artefacts[name] = PlannedArtefact(
                id=name,
                file=file,
                store="station",
                made_by=None,
                output=None,
                at_most=written.at_most,
                backup_before=written.backup_before,
                transfer=False,
                brought=Brought(at=written.at, sha256=digest),
            )

    def _digest(self, written: str, path: Path) -> str:
        """Return a digest in lower-case hex; "" where there is none, or it is in a record that nobody has."""
        found = reference(written)
        if isinstance(found, RecordFile):
            return self._records.file(found, path) or ""
        digest = as_value("sha256", self._values.text(written, path))
        if isinstance(digest, str):
            return digest
        if self._values.whole:
            self._fault("SHP003", f"this must be {WORDS['sha256']}", path)
        return ""

    def _fault(self, code: str, message: str, path: Path, *, help_: str = "", key: bool = False) -> None:
        self._report.add(code, message, path, help_=help_, key=key, regions=self._values.regions)

    def _draft(self, position: int, part: Part | None, step: Step) -> Draft | None:
        action = BY_NAME.get(step.action)
        if action is None:
            near = closest(step.action, BY_NAME)
            advice = f"write `{near}`" if near else f"one of: {', '.join(sorted(BY_NAME))}"
            self._report.add(
                "SHP005", f"there is no action `{step.action}`", ("steps", position, "action"), help_=advice
            )
            return None
        left_out = None
        if step.when is not None:
            when = self._values.value(step.when, ("steps", position, "when"))
            if not isinstance(when, bool):
                if self._values.whole:
                    self._fault("SHP003", "`when` must be true or false", ("steps", position, "when"))
                return None
            if not when:
                left_out = self._values.said_if_any(step.left_out, ("steps", position, "left_out"))
                self._expectations.left_out.add(step.id)
        settings = settings_of(action, step, position, self._values)
        if settings is None:
            return None
        return Draft(position=position, part=part, step=step, action=action, settings=settings, left_out=left_out)

    def _step(self, draft: Draft) -> PlannedStep | None:
        step, action = draft.step, draft.action
        uses = self._uses(draft)
        station = self._station(draft)
        if uses is None or station is None or not self._make(draft, uses):
            return None
        device = self._device(draft)
        asks = self._asks(draft)
        expect = self._expectations.of(draft, asks)
        repeat = self._repeat(draft)
        return PlannedStep(
            id=step.id,
            action=action.pinned,
            part=self._heading(draft.part),
            title=self._values.said(step.title, draft.path("title")),
            station=station,
            device=device,
            minutes=step.minutes,
            quorum=self._quorum(draft),
            say=self._say(draft),
            note=self._values.said_if_any(step.note, draft.path("note")),
            caution=self._values.said_if_any(step.caution, draft.path("caution")),
            left_out=draft.left_out,
            repeat=repeat,
            sign_off=self._sign_off(draft, repeat),
            settings=draft.settings.model_dump(),
            uses=uses,
            makes=tuple(made.id for made in draft.made),
            changes=tuple(artefact for found in step.changes.values() for artefact in found),
            destroys=tuple(step.destroys),
            asks=asks,
            expect=expect,
            command=self._values.optional(step.command, draft.path("command")),
            requests=(),
        )

    def _heading(self, part: Part | None) -> str:
        return "" if part is None else self._values.said(part.part, self._part_path(part, "part"))

    def _part_path(self, part: Part, key: str) -> Path:
        return ("steps", self._positions[id(part)], key)

    def _say(self, draft: Draft) -> str | None:
        """Return what is read out: with the first step of a part that is carried out, the part's words come first."""
        part, own = draft.part, self._values.said_if_any(draft.step.say, draft.path("say"))
        if part is None or part.say is None or part is self._begun or draft.left_out is not None:
            return own
        self._begun = part
        words = self._values.said(part.say, self._part_path(part, "say"))
        return words if own is None else f"{words}\n{own}"

    def _station(self, draft: Draft) -> str | None:
        written = draft.step.station or (draft.part.station if draft.part else None)
        if written is not None:
            return written
        if len(self._playbook.stations) == 1:
            return next(iter(self._playbook.stations))
        self._fault("SHP002", "`station` is missing, here and in the part above", draft.path("id"), key=True)
        return None

    def _device(self, draft: Draft) -> str | None:
        if not draft.action.needs.device:
            if draft.step.device is not None:
                self._fault("SHP001", f"`{draft.action.name}` uses no device", draft.path("device"), key=True)
            return None
        if draft.step.device is not None:
            return draft.step.device
        if len(self._playbook.devices) == 1:
            return next(iter(self._playbook.devices))
        if not self._device_missing:
            self._device_missing = True
            steps = [step for _, _, step in self._playbook.numbered_steps()]
            also = tuple(step.id for step in steps[steps.index(draft.step) + 1 :] if _lacks_device(step))
            advice = f"the same holds at {', '.join(also)}" if also else ""
            words = "`device` is missing: there is not exactly one"
            self._report.add("SHP002", words, draft.path("id"), key=True, help_=advice, also=also)
        return None

    def _quorum(self, draft: Draft) -> tuple[Need, ...]:
        if draft.step.quorum is not None:
            written, path = draft.step.quorum, draft.path("quorum")
        else:
            written, path = (draft.part.quorum if draft.part else NOBODY), draft.path("id")
        needs: list[Need] = []
        for role, figure in written.items():
            if not isinstance(figure, CardSetFigure):
                needs.append(Need(role=role, count=figure, holders_of=None))
                continue
            card_set = self._playbook.card_sets[figure.card_set]
            if card_set.held_by != role:
                where = path if draft.step.quorum is None else (*path, role)
                self._fault("QUO002", f"`{figure.card_set}` is held by {card_set.held_by}, not by {role}", where)
            count = card_set.threshold if figure.figure == "threshold" else card_set.cards
            needs.append(Need(role=role, count=count, holders_of=figure.card_set))
        if not needs:
            self._fault("SHP002", "`quorum` is missing, here and in the part above", draft.path("id"), key=True)
        return tuple(needs)

    def _uses(self, draft: Draft) -> tuple[Uses, ...] | None:
        inputs = {item.name: item for item in draft.action.inputs}
        named = {**draft.step.uses, **draft.step.changes}
        if not inputs and not named:
            return ()
        misspelt = {closest(name, inputs) for name in named if name not in inputs}
        good = True
        written = [(key, *item) for key in ("uses", "changes") for item in getattr(draft.step, key).items()]
        for key, name, artefacts in written:
            path = draft.path(key, name)
            if name in inputs and inputs[name].changed is not (key == "changes"):
                changed = "changes" if inputs[name].changed else "does not change"
                words = f"`{draft.action.name}` {changed} its `{name}`"
                advice = f"write it under `{'changes' if inputs[name].changed else 'uses'}`"
                self._report.add("ART006", words, path, key=True, help_=advice)
                good = False
            elif name not in inputs:
                near = closest(name, inputs)
                advice = f"write `{near}`" if near else f"one of: {', '.join(sorted(inputs))}" if inputs else ""
                self._report.add("SHP001", f"`{draft.action.name}` takes no `{name}`", path, key=True, help_=advice)
                good = False
            elif len(artefacts) != 1 and not inputs[name].many:
                self._report.add("SHP003", f"`{name}` takes one artefact", path)
                good = False
            known = [self._known(draft, path, artefact) for artefact in artefacts]
            good = all(known) and good
        needed = [name for name, item in inputs.items() if item.least and name not in misspelt]
        if missing := [name for name in needed if not named.get(name)]:
            words = ", ".join(f"`{name}`" for name in missing)
            key = "changes" if inputs[missing[0]].changed else "uses"
            self._report.add(
                "SHP002", f"`{draft.action.name}` takes {words}", draft.path(key), help_="say which artefact it is"
            )
            good = False
        if self._absent:
            self._tell_absent(draft)
        if not good:
            return None
        return tuple(Uses(input=name, artefacts=tuple(found)) for name, found in named.items())

    def _known(self, draft: Draft, path: Path, artefact: str) -> bool:
        """Say whether the artefact is brought, or made by an earlier step; where not, it is told with the others."""
        if artefact in self._artefacts:
            if self._artefacts[artefact].made_by in self._expectations.left_out and draft.left_out is None:
                words = f"`{artefact}` is made by a step that is left out"
                self._fault("TPL012", words, path)
                return False
            return True
        if artefact not in self._unmade:  # else the step that makes it has a fault of its own, or it was told before
            self._absent.append((path, artefact))
        return False

    def _tell_absent(self, draft: Draft) -> None:
        """ART001: what does not exist is told at its first use; all that a step lacks for one reason is told once."""
        steps = [step for _, _, step in self._playbook.numbered_steps()]
        ids = [step.id for step in steps]
        reasons: dict[tuple[str, str], list[tuple[Path, str]]] = {}
        for path, artefact in self._absent:
            maker = next((step.id for step in steps if artefact in step.produces), "")
            near = "" if maker else closest(artefact, self._artefacts) or ""
            reasons.setdefault((maker, near), []).append((path, artefact))
        for (maker, near), lacking in reasons.items():
            names = tuple(dict.fromkeys(artefact for _path, artefact in lacking))
            listed, several = ", ".join(f"`{name}`" for name in names), len(names) > 1
            words = f"nothing makes {listed}"
            if maker:
                does, them = ("do", "them") if several else ("does", "it")
                words = f"{listed} {does} not exist yet: {maker} makes {them}"
            later = steps[ids.index(draft.step.id) + 1 : ids.index(maker) if maker else None]
            also = tuple(step.id for step in later if any(name in taken for name in names for taken in _taken(step)))
            advice = [f"write `{near}`"] if near else []
            advice += [f"the same holds at {', '.join(also)}"] if also else []
            self._report.add("ART001", words, lacking[0][0], help_="; ".join(advice), also=also)
            self._unmade.update(names)
        self._absent.clear()

    def _make(self, draft: Draft, uses: tuple[Uses, ...]) -> bool:
        outputs, produces = draft.action.outputs, draft.step.produces
        if produces and not outputs:
            self._report.add("ART006", f"`{draft.action.name}` makes nothing", draft.path("produces"), key=True)
            return False
        if not outputs:
            return True
        (output,) = outputs
        if not produces:
            words = f"`{draft.action.name}` makes a file that needs a name"
            self._report.add("SHP002", words, draft.path("id"), key=True, help_="write produces:")
            return False
        if len(produces) > 1 and not output.many:
            self._report.add("ART006", f"`{draft.action.name}` makes one file", draft.path("produces"))
            return False
        made = [self._make_one(draft, uses, output, name) for name in produces]
        return all(made)

    def _make_one(self, draft: Draft, uses: tuple[Uses, ...], output: Output[Any], name: str) -> bool:
        written = draft.step.produces[name]
        path = draft.path("produces", name)
        if name in self._artefacts:
            first = self._artefacts[name].made_by
            words = f"`{name}` is brought already" if first is None else f"`{name}` is made by {first} already"
            self._report.add("ART003", words, path, key=True)
            return False
        if output.file is not None:
            files = {item.input: tuple(self._artefacts[one].file for one in item.artefacts) for item in uses}
            file = output.file(draft.settings, files)
            if written.file is not None and self._values.text(written.file, (*path, "file")) != file:
                self._fault("ART006", f"`{draft.action.name}` calls this file {file}", (*path, "file"))
                return False
        elif written.file is None:
            self._report.add("SHP002", f"`{name}` needs a `file`: its name", path, key=True)
            return False
        else:
            file = self._values.text(written.file, (*path, "file"))
        if PLAIN_FILE.fullmatch(file) is None:
            self._fault("ART003", f"{file!r} is not a plain file name", path)
            return False
        if written.backup_before not in (None, "end", *self._expectations.later):
            self._report.add("SHP008", "this is no later step, nor `end`", (*path, "backup_before"))
        made = PlannedArtefact(
            id=name,
            file=file,
            store=output.store,
            made_by=draft.step.id,
            output=output.name,
            at_most=written.at_most,
            backup_before=written.backup_before,
            transfer=output.transfer,
            brought=None,
        )
        self._artefacts[name] = made
        draft.made.append(made)
        return True

    def _asks(self, draft: Draft) -> tuple[Ask, ...]:
        asks: list[Ask] = []
        own = {result.name for result in draft.action.results}
        for name, ask in draft.step.asks.items():
            if name in own:
                self._report.add("SHP004", f"`{name}` is a result of the action", draft.path("asks", name), key=True)
            asks.append(
                Ask(
                    name=name,
                    type=ask.type,
                    ask=self._values.said(ask.ask, draft.path("asks", name, "ask")),
                    twice=ask.twice,
                    of=ask.of,
                    pattern=ask.pattern,
                    at_least=ask.at_least,
                    at_most=ask.at_most,
                    max_length=ask.max_length,
                )
            )
        return tuple(asks)

    def _repeat(self, draft: Draft) -> str:
        written, own = draft.step.repeat, draft.action.repeat
        if own == "author":
            if written is None:
                words = f"`{draft.action.name}` must say whether it may be repeated"
                self._report.add(
                    "SHP002", words, draft.path("id"), key=True, help_="write repeat: safe or repeat: never"
                )
            return written or "never"
        if own == "never" and written == "safe":
            words = f"`{draft.action.name}` is done once; only its action could loosen that"
            self._report.add("RUN001", words, draft.path("repeat"))
        return written or own

    def _sign_off(self, draft: Draft, repeat: str) -> str:
        """QUO012: what happens once is signed, unless a waiver lets it be less."""
        usual = "signed" if repeat == "never" else "none"
        written = draft.step.sign_off or usual
        if SIGN_OFFS.index(written) >= SIGN_OFFS.index(usual):
            return written
        waived = [
            number
            for number, waiver in enumerate(self._playbook.waivers)
            if waiver.rule == "QUO012" and waiver.step in (None, draft.step.id)
        ]
        self._waived.update(waived)
        if not waived:
            words = f"`{draft.step.id}` happens once, so people sign for it"
            advice = "write sign_off: signed, or a waiver of QUO012 with the reason"
            self._report.add("QUO012", words, draft.path("sign_off"), help_=advice)
        return written


def _taken(step: Step) -> Iterator[Collection[str]]:
    """Yield the artefacts of each input of a step as it is written."""
    yield from step.uses.values()
    yield from step.changes.values()


def _lacks_device(step: Step) -> bool:
    """Say whether a step needs a device and names none."""
    action = BY_NAME.get(step.action)
    return action is not None and action.needs.device and step.device is None
