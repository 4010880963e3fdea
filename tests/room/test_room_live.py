"""Live people answer: who comes, acts, declines, pauses, stands in, signs; and what is not taken for an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_type

import pytest
from room_bench import need, plan, room, step

from runner.engine import StepFailed
from runner.errors import ControlFault
from runner.exchange import (
    Acting,
    AskException,
    AskValue,
    BreakBegun,
    BreakEnded,
    Declined,
    DoByHand,
    ExceptionGranted,
    GatherPeople,
    HandsDone,
    PeopleGathered,
    PersonLeft,
    PersonPresent,
    Substituted,
    ValueGiven,
)
from runner.host.company import LONGEST_REASON, WORDS
from runner.host.room import Attestation, Room, StatementWanted, StopAsked, Undecided
from runner.plan import Ask
from runner.values import wanted as what_fits

if TYPE_CHECKING:
    from runner.host.live import LiveRoom

TWO = (need("operator"), need("witness"))
CARDS = (need("administrator", 3, "acs"), need("operator"))
DAN_AND_EVA = (Acting(person="dan", role="operator"), Acting(person="eva", role="witness"))
VALUE = AskValue(name="bag", ask="Number of the bag", type="text")
BAG = Ask(
    name="bag",
    type="text",
    ask="Number of the bag",
    twice=False,
    of=(),
    pattern="[A-Z0-9, ]+",
    at_least=None,
    at_most=None,
    max_length=20,
)
EXCEPTION = AskException(rule="RUN002", result="count", found="3", expected="4", role="witness", people=2)


def gather(made: LiveRoom, needs: Any = TWO, **changes: Any) -> Any:
    present = frozenset(made.company.present)
    return made.answer(GatherPeople(needs=needs), step(**changes), (), present)


def ask(made: LiveRoom, request: Any) -> Any:
    return made.answer(request, step(asks=(BAG,)), DAN_AND_EVA, frozenset(made.company.present))


def test_a_live_room_is_a_room() -> None:
    made, _ = room()
    as_room: Room = made
    assert_type(as_room.stopping(), bool)
    assert not as_room.stopping()


# -- who is here -----------------------------------------------------------------------------------------------------


def test_attendance() -> None:
    made, console = room("dan", "EVA", "done")
    made.attend()
    assert made.arrivals() == (PersonPresent(person="dan"), PersonPresent(person="eva"))
    assert made.arrivals() == ()
    assert "Here: dan: Dan, operator" in console.told
    assert made.company.present == {"dan", "eva"}
    assert not any("cannot be done yet" in line for line in console.told)


def test_attendance_says_whom_a_step_lacks() -> None:
    made, console = room("dan", "done")
    made.attend()
    assert "step generate cannot be done yet: 1 person is needed as witness, and 0 can come" in console.told[-1]


def test_attendance_at_a_later_sitting_says_who_is_gone() -> None:
    made, console = room("eva", "fay", "done", here="dan eva")
    made.attend()
    assert made.arrivals() == (PersonPresent(person="fay"), PersonLeft(person="dan"))
    assert "Still here: eva: Eva, witness" in console.told


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("mallory", "`mallory` is not the id of anybody on the roster"),
        ("dan", "dan is here already; each person counts once"),
        ("break", "`break` is not the id"),
    ],
)
def test_who_does_not_attend(typed: str, words: str) -> None:
    made, console = room("dan", typed, typed, typed)
    with pytest.raises(StopAsked):
        made.attend()
    assert [words in line for line in console.told].count(True) == 3
    assert "3 times. Stopping here." in console.told[-1]
    assert made.company.present == {"dan"}


def test_nobody_is_no_attendance() -> None:
    made, console = room("done", "done", "done")
    with pytest.raises(StopAsked):
        made.attend()
    assert "No: nobody is here yet." in console.told
    assert made.arrivals() == ()


# -- who acts --------------------------------------------------------------------------------------------------------


def test_people_act_who_typed_their_ids() -> None:
    made, console = room("eva", "dan", here="dan eva fay")
    assert gather(made) == PeopleGathered(acting=DAN_AND_EVA)
    assert console.asked[1] == ("Who acts types their id:", "0 of 1 operator, 1 of 1 witness")
    assert "  operator: dan\n  witness: eva" in console.told[0]


def test_somebody_who_was_not_proposed_acts_where_the_others_still_can() -> None:
    made, _ = room("fay", "dan", here="dan eva fay")
    reply = gather(made)
    assert [one.person for one in reply.acting] == ["dan", "fay"]
    roles = {one.person: one.role for one in reply.acting}
    assert roles == {"dan": "operator", "fay": "witness"}


def test_nobody_counts_twice() -> None:
    made, console = room("ada", "ada", "ben", "ada", "cem", "dan", here="ada ben cem dan")
    reply = gather(made, CARDS)
    assert len(reply.acting) == 4
    assert console.told.count("No: ada is counted already, as administrator; each person counts once.") == 2
    assert console.asked[2][1] == "1 of 3 administrators, 0 of 1 operator"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("mallory", "`mallory` is not the id of anybody"),
        ("eva", "eva is counted already"),
        ("ada", "ada cannot act in a role that is still needed"),
        ("ben", "ben is not in the room; `come` notes who comes in"),
        ("gus", "gus cannot act in a role"),
        ("yes", "`yes` is not the id of anybody"),
    ],
)
def test_who_does_not_act(typed: str, words: str) -> None:
    made, console = room("eva", typed, typed, typed, here="ada dan eva gus")
    with pytest.raises(StopAsked):
        gather(made)
    assert [words in line for line in console.told].count(True) == 3


def test_a_right_answer_begins_the_count_anew() -> None:
    made, _ = room("x", "x", "eva", "x", "x", "dan", here="dan eva")
    assert gather(made) == PeopleGathered(acting=DAN_AND_EVA)


def test_nobody_acts_before_everybody_is_here() -> None:
    made, console = room("dan", "come", "eva", "dan", "eva", here="dan")
    assert gather(made) == PeopleGathered(acting=DAN_AND_EVA)
    assert "Not everybody is here: 1 person is needed as witness, and 0 can come." in console.told[0]
    assert any("somebody who is needed is not here" in line for line in console.told)
    assert made.arrivals() == (PersonPresent(person="eva"),)


def test_who_leaves_acts_no_more() -> None:
    made, _ = room("eva", "leave", "eva", "fay", "dan", here="dan eva fay")
    reply = gather(made)
    assert {one.person for one in reply.acting} == {"dan", "fay"}
    assert made.arrivals() == (PersonLeft(person="eva"),)


def test_roles_are_given_anew_where_somebody_left() -> None:
    # fay takes the witness' place; when dan leaves, eva can be no operator
    made, console = room("fay", "leave", "dan", "fay", "eva", here="dan eva fay")
    reply = gather(made)
    assert "Who acts as what has to be said again." in console.told
    assert {one.person: one.role for one in reply.acting} == {"eva": "witness", "fay": "operator"}


def test_a_step_that_is_never_repeated_needs_its_id() -> None:
    made, console = room("dan", "eva", "generale", "yes", "generate", here="dan eva")
    assert gather(made, repeat="never") == PeopleGathered(acting=DAN_AND_EVA)
    assert any("that is not generate: character 7 is not the small letter l" in line for line in console.told)


def test_three_wrong_ids_of_a_step_stop() -> None:
    made, _ = room("dan", "eva", "y", "y", "y", here="dan eva")
    with pytest.raises(StopAsked):
        gather(made, repeat="never")


# -- the words -------------------------------------------------------------------------------------------------------


def test_help_lists_the_words_that_work_here() -> None:
    made, console = room("help", "dan", "eva", here="dan eva")
    gather(made)
    for word, meaning in WORDS.items():
        assert f"  {word}: {meaning}" in console.told
    made, console = room("help", "dan", "done")
    made.attend()
    assert not any(line.startswith("  decline:") for line in console.told)
    assert any(line.startswith("  stop:") for line in console.told)


def test_stop() -> None:
    made, _ = room("stop", here="dan eva")
    with pytest.raises(StopAsked):
        gather(made)


@pytest.mark.parametrize("request_", [VALUE, DoByHand(title="Seal the bag"), EXCEPTION, GatherPeople(needs=TWO)])
def test_whatever_is_asked_can_be_declined(request_: Any) -> None:
    made, _ = room("decline", "eva", "The seal is broken.", here="dan eva")
    assert ask(made, request_) == Declined(person="eva", reason="The seal is broken.")


def test_only_who_is_here_declines_and_says_why() -> None:
    made, console = room("decline", "fay", "eva", "bad \u202e text", "x" * (LONGEST_REASON + 1), "So.", here="dan eva")
    assert ask(made, VALUE) == Declined(person="eva", reason="So.")
    assert "No: fay is not in the room." in console.told
    assert "No: there is a character in it that cannot be seen." in console.told
    assert f"No: it has more than {LONGEST_REASON} characters." in console.told


def test_a_break_begins_after_the_answer_and_ends_when_somebody_says_so() -> None:
    made, console = room(
        "break", "eva", "Lunch", "break", "A12", "dan", "x", "come", "fay", "help", "back", here="dan eva"
    )
    assert ask(made, VALUE) == ValueGiven(value="A12", person="dan")
    assert console.told.count("The break begins when this question is answered.") == 1
    assert made.arrivals() == (BreakBegun(by="eva", reason="Lunch"),)
    assert made.arrivals() == (PersonPresent(person="fay"),)
    assert made.arrivals() == (BreakEnded(),)
    assert made.arrivals() == ()
    assert console.script == []
    assert "No: in a break there are `back`, `come`, `leave`, `stop` and `help`." in console.told


def test_a_sitting_that_begins_in_a_break_waits_for_its_end() -> None:
    made, _ = room("eva", "done", "back", here="dan eva", on_break=True)
    made.attend()
    assert made.arrivals() == (PersonLeft(person="dan"),)
    assert made.arrivals() == (BreakEnded(),)


def test_stopping_in_a_break() -> None:
    made, _ = room("stop", here="dan eva", on_break=True)
    with pytest.raises(StopAsked):
        made.arrivals()


def test_a_stand_in_acts_once_they_are_in_the_place() -> None:
    made, console = room("substitute", "dan", "gus", "eva", "Ill", "gus", "eva", here="eva gus")
    reply = gather(made)
    assert {one.person: one.role for one in reply.acting} == {"gus": "operator", "eva": "witness"}
    assert made.arrivals() == (Substituted(absent="dan", instead="gus", by="eva", reason="Ill"),)
    assert "From now on gus acts instead of dan, who acts no more." in console.told


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (["mallory"] * 3, "is not the id of anybody"),
        (["eva"] * 3, "eva is in the room"),
        (["ada"] * 3, "nobody on the roster stands in for ada"),
        (["gus"] * 3, "gus does not act"),
        (["dan", "fay", "ada", "dan"], "only gus stands in for dan"),
        (["dan", "gus", "gus", "gus", "gus"], "gus is not asked here, only eva"),
    ],
)
def test_no_other_substitution(script: list[str], words: str) -> None:
    here = "eva gus" if script[1] == "gus" and script[0] == "dan" else "eva"
    made, console = room("substitute", *script, here=here)
    with pytest.raises(StopAsked):
        gather(made)
    assert any(words in line for line in console.told)
    assert made.company.instead == {}
    assert made.arrivals() == ()


def test_somebody_who_was_replaced_is_not_replaced_again() -> None:
    made, console = room("substitute", "dan", "dan", "dan", here="eva", instead={"dan": "gus"})
    with pytest.raises(StopAsked):
        gather(made)
    assert any("dan does not act" in line for line in console.told)


def test_a_stand_in_alone_cannot_say_so() -> None:
    made, console = room("substitute", "dan", "gus", "stop", here="gus")
    with pytest.raises(StopAsked):
        gather(made)
    assert any("somebody other than gus must be here" in line for line in console.told)
    assert made.company.instead == {}


def test_comings_and_goings() -> None:
    made, console = room(
        "come", "dan", "fay", "leave", "fay", "leave", "ada", "eva", "leave", "dan", "leave", "decline", "stop",
        here="dan eva",
    )  # fmt: skip
    with pytest.raises(StopAsked):
        gather(made)
    assert "No: dan is here already." in console.told
    assert "No: ada is not in the room." in console.told
    assert console.told.count("Nobody is in the room.") == 2
    assert made.arrivals() == (
        PersonPresent(person="fay"),
        PersonLeft(person="fay"),
        PersonLeft(person="eva"),
        PersonLeft(person="dan"),
    )


# -- the other questions ---------------------------------------------------------------------------------------------


def test_a_value_is_given_by_somebody_who_acts() -> None:
    made, console = room("A0012, A0013", "fay", "dan", here="dan eva fay")
    assert ask(made, VALUE) == ValueGiven(value="A0012, A0013", person="dan")
    assert "\nNumber of the bag (text, of the form [A-Z0-9, ]+, at most 20 characters)" in console.told
    assert "No: fay is not asked here, only dan, eva." in console.told


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ({"type": "choice", "of": ("red", "dark blue")}, "one of: red, dark blue"),
        ({"type": "whole", "at_least": 1, "at_most": 9}, "a whole number, at least 1, at most 9"),
        ({"type": "date"}, "a date such as 2027-06-30"),
    ],
    ids=str,
)
def test_whoever_types_sees_what_fits(bounds: dict[str, Any], words: str) -> None:
    free = {"of": (), "pattern": None, "at_least": None, "at_most": None, "max_length": None}
    asked = Ask(name="x", ask="?", twice=False, **{**free, **bounds})
    assert what_fits(asked.type, asked) == words


def test_something_done_by_hand() -> None:
    made, _ = room("eva", here="dan eva")
    assert ask(made, DoByHand(title="Seal the bag")) == HandsDone(person="eva")


def test_an_exception_needs_so_many_of_the_role() -> None:
    made, console = room("dan", "eva", "eva", "fay", "Counted twice by hand.", here="dan eva fay")
    reply = ask(made, EXCEPTION)
    assert reply == ExceptionGranted(people=("eva", "fay"), reason="Counted twice by hand.")
    assert "No: dan cannot act in a role that is still needed." in console.told
    assert any("found:    3\n  expected: 4" in line for line in console.told)


def wanted(how: str) -> StatementWanted:
    return StatementWanted(
        person="eva", role="witness", about="result", namespace="step-attest@ceremony", text=b"I SAW IT\n", how=how
    )


def test_a_statement_is_shown_whole_and_agreed_to_by_its_person_alone() -> None:
    made, console = room("dan", "eva", here="dan eva")
    assert made.attest(wanted("typed")) == Attestation(signature=None)
    assert "I SAW IT" in console.told[0]
    assert "No: dan is not asked here, only eva." in console.told


def test_a_signature_is_asked_for_again_where_it_is_none() -> None:
    asked: list[tuple[str, str, bytes]] = []

    def signer(person: str, namespace: str, text: bytes) -> bytes:
        asked.append((person, namespace, text))
        if len(asked) < 3:
            raise ControlFault("wrong passphrase")
        return b"signature"

    made, console = room("eva", "eva", "eva", here="eva", signer=signer)
    assert made.attest(wanted("signed")) == Attestation(signature=b"signature")
    assert asked == [("eva", "step-attest@ceremony", b"I SAW IT\n")] * 3
    assert console.told.count("That is no signature of eva: wrong passphrase.") == 2


def test_three_failed_signatures_stop() -> None:
    def signer(_person: str, _namespace: str, _text: bytes) -> bytes:
        raise ControlFault("wrong passphrase")

    made, console = room("eva", "eva", "eva", here="eva", signer=signer)
    with pytest.raises(StopAsked):
        made.attest(wanted("signed"))
    assert console.told[-1] == "It was not signed 3 times. Stopping here."


@pytest.mark.parametrize("how", ["typed", "signed"])
def test_a_statement_can_be_declined(how: str) -> None:
    made, _ = room("decline", "eva", "I did not see it.", here="dan eva")
    assert made.attest(wanted(how)) == Declined(person="eva", reason="I did not see it.")


@pytest.mark.parametrize(("typed", "again"), [("again", True), ("END", False)])
def test_whether_a_failed_step_begins_again(typed: str, again: bool) -> None:  # noqa: FBT001 (a case)
    made, console = room("yes", "decline", typed, here="dan eva")
    mark = StepFailed(step="generate", attempt=1, rule="RUN020", words="the device is busy")
    assert made.again(mark) is again
    assert "\nStep generate failed, RUN020: the device is busy" in console.told
    assert console.told.count("No: type `again` or `end`.") == 2


def test_an_unknown_result_is_decided_by_the_quorum() -> None:
    undecided = Undecided(
        step="generate",
        request="GenerateKey",
        why="the device performed two requests",
        holds=("hsm SIM0: 1 keys",),
        needs=TWO,
        decisions=("redo", "abandon"),
    )
    made, console = room("happened", "redo", "dan", "come", "eva", "Key is not there.", here="dan eva")
    made.company.present.clear()
    decision = made.decide(undecided, frozenset({"dan", "eva"}))
    assert (decision.decision, decision.people, decision.reason) == ("redo", DAN_AND_EVA, "Key is not there.")
    assert "No: that cannot be decided here: happened." in console.told
    assert "No: `come` is not the id of anybody on the roster." in console.told
    assert any("hsm SIM0: 1 keys" in line for line in console.told)


def test_stopping_is_what_the_terminal_says() -> None:
    made, console = room()
    console.stopping = True
    assert made.stopping()


def test_the_log_decides_who_is_here() -> None:
    made, _ = room("stop", here="dan", plan=plan())
    with pytest.raises(StopAsked):
        made.answer(GatherPeople(needs=TWO), step(), (), frozenset({"eva"}))
    assert made.company.present == {"eva"}
