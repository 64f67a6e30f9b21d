"""Pictures and documents in instructions, which are shown by the user."""

from antiphon.dialects.contract import Target
from antiphon.dialects.fitting import Fitting
from antiphon.dialects.fitting.pictured import pictured
from antiphon.dialects.registry import DIALECTS
from antiphon.model.parts import Author, Blob, File, Image, Text, Turn
from antiphon.model.request import ChatRequest
from tests.unit.dialects.fitting.conversations import assistant, said, user

IMAGE = Image(Blob(data="QUJD", media_type="image/png"))
FILE = File(Blob(data="QUJD", media_type="application/pdf"))
RULES = said(Author.SYSTEM, "Be kind.")
PICTURED = Turn(Author.SYSTEM, (Text("Be kind."), IMAGE, FILE))
HELLO = Text("Hello.")


def test_the_user_who_speaks_next_shows_them():
    fitted = pictured((PICTURED, user("Hello."), assistant("Hi."), user("So?")))
    first = Turn(Author.USER, (IMAGE, FILE, HELLO))
    assert fitted == (RULES, first, assistant("Hi."), user("So?"))


def test_where_no_user_speaks_next_one_does():
    shown = Turn(Author.USER, (IMAGE, FILE))
    assert pictured((PICTURED, assistant("Hi."))) == (RULES, shown, assistant("Hi."))
    assert pictured((PICTURED,)) == (RULES, shown)
    assert pictured((Turn(Author.SYSTEM, (IMAGE,)),)) == (Turn(Author.USER, (IMAGE,)),)


def test_others_stay_the_same_object():
    turns = (RULES, Turn(Author.USER, (IMAGE, HELLO)))
    assert pictured(turns) is turns


def test_no_dialect_is_given_pictures_in_instructions_of_another():
    request = ChatRequest("m", (PICTURED, user("Hello.")))
    heard = DIALECTS["gemini"].traits
    for name, dialect in DIALECTS.items():
        fitted = Fitting(request, dialect.traits, Target("m"), heard).request
        moved = name != "gemini"
        assert (fitted.turns[0] == RULES) is moved, name
