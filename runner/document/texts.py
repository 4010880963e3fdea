"""The shape of a texts file, `format: texts/1`: what people hear and read in a ceremony, in another language.

Which texts there are is read off the playbook: `people_texts` lists each with its place there and here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct
from pydantic import Field

from runner.document.fields import FileName, Id, Language, Name, Named, Text, nothing
from runner.document.playbook import Part
from runner.document.shape import Written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.document.findings import Path
    from runner.document.playbook import Playbook

STEP_TEXTS: Final = ("title", "say", "note", "caution", "left_out")
"""The keys of a step that hold one text each."""


class StepTexts(Written):
    """The texts of a step, under the keys they have in the playbook; `asks` by the name of the answer."""

    title: Text | None = None
    say: Text | None = None
    note: Text | None = None
    caution: Text | None = None
    left_out: Text | None = None
    asks: Named[Name, Text] = Field(default_factory=nothing)


class Texts(Written):
    """The texts of one playbook in one more language: `parts` by the heading as the playbook has it."""

    format: Literal["texts/1"]
    language: Language
    of: FileName
    title: Text | None = None
    parts: Named[Text, Text] = Field(default_factory=nothing)
    parts_say: Named[Text, Text] = Field(default_factory=nothing)
    steps: Named[Id, StepTexts] = Field(default_factory=nothing)

    def at(self, path: Path) -> str | None:
        """Return the text at a place of the file, or None where there is none."""
        match path:
            case ("title",):
                return self.title
            case ("parts", str(heading)):
                return self.parts.get(heading)
            case ("parts_say", str(heading)):
                return self.parts_say.get(heading)
            case ("steps", str(step), "asks", str(name)):
                return self.steps[step].asks.get(name) if step in self.steps else None
            case ("steps", str(step), str(key)):
                found: str | None = getattr(self.steps[step], key) if step in self.steps else None
                return found
            case _:
                return None


class PeopleText(Struct, frozen=True, kw_only=True):
    """A text that people hear or read.

    Attributes:
        written: the text as the playbook has it, with its templates.
        path: its place in the playbook.
        elsewhere: its place in a texts file.
    """

    written: str
    path: Path
    elsewhere: Path


def people_texts(playbook: Playbook) -> Iterator[PeopleText]:
    """Yield every text of a playbook that people hear or read, in file order."""
    yield PeopleText(written=playbook.title, path=("title",), elsewhere=("title",))
    for position, line in enumerate(playbook.steps):
        here: Path = ("steps", position)
        if isinstance(line, Part):
            yield PeopleText(written=line.part, path=(*here, "part"), elsewhere=("parts", line.part))
            if line.say is not None:
                yield PeopleText(written=line.say, path=(*here, "say"), elsewhere=("parts_say", line.part))
            continue
        for key in STEP_TEXTS:
            written: str | None = getattr(line, key)
            if written is not None:
                yield PeopleText(written=written, path=(*here, key), elsewhere=("steps", line.id, key))
        for name, ask in line.asks.items():
            there: Path = ("steps", line.id, "asks", name)
            yield PeopleText(written=ask.ask, path=(*here, "asks", name, "ask"), elsewhere=there)
