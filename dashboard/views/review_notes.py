"""Notes on an incident: read by everybody, written by those whose name is known."""

from datetime import UTC, datetime

import streamlit as st

from dashboard import panels, reviewing
from dashboard.access import LOCAL, Person
from dashboard.control.values import Role
from dashboard.incidents import words
from dashboard.incidents.incident import Incident
from dashboard.incidents.notes import LONGEST, Note, NoteError, add_note, notes_of, read_notes
from dashboard.inert import inert
from dashboard.views import who

TEXT = "review.note"
_PROBLEM = "review.note_problem"


def notes(incident: Incident, person: Person) -> None:
    """Draws the notes and, for those who may, a field for another."""
    st.subheader("Notes", anchor=False)
    found = notes_of(read_notes(reviewing.notes_path()), incident)
    rows = [
        (words.clock(note.at), inert(note.actor, 100), inert(note.text.replace("\n", " "), LONGEST)) for note in found
    ]
    panels.grid("review.notes", head=["when", "who", "note"], rows=rows, empty="No note yet.")
    if not may_write(person):
        st.text(f"No notes from here: {person.why}.")
        return
    st.text_area("Note", key=TEXT, max_chars=LONGEST, placeholder="What the log cannot tell", height=80)
    st.button("Add the note", key="review.add_note", on_click=_add, args=(incident.start_at,))
    if problem := st.session_state.pop(_PROBLEM, ""):
        st.error("The note was not kept.")
        st.code(inert(problem), language=None, wrap_lines=True)
    st.caption(f"It is signed {inert(person.actor, 100)} and cannot be changed afterwards.")


def may_write(person: Person) -> bool:
    """Whether a note would have a name: an operator's, or that of somebody who signed in."""
    return person.role is Role.OPERATOR or (person.role is Role.VIEWER and person.actor not in ("", LOCAL))


def _add(about: datetime) -> None:
    person = who.person()  # asked anew at the action
    if not may_write(person):
        st.session_state[_PROBLEM] = "you may not write notes"
        return
    try:
        text = str(st.session_state.get(TEXT) or "")
        add_note(reviewing.notes_path(), Note(about, datetime.now(UTC), person.actor, text))
    except NoteError as exc:
        st.session_state[_PROBLEM] = str(exc)
        return
    st.session_state[TEXT] = ""
