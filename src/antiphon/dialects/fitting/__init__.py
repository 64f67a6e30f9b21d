"""What stands between reading a request in one dialect and writing it in another."""

from antiphon.dialects.fitting.documents import only_texts
from antiphon.dialects.fitting.fitting import Fitting
from antiphon.dialects.fitting.turns import says_anything
from antiphon.dialects.fitting.undo import Undo

__all__ = ["Fitting", "Undo", "only_texts", "says_anything"]
