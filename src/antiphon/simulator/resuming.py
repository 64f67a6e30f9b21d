"""Which streams, broken off, this very provider would go on with: for whoever counts them."""

from antiphon.simulator.answers import Question, answers_to
from antiphon.simulator.anthropic_messages.request import goes_on
from antiphon.simulator.dialect import Dialect
from antiphon.simulator.reply import Reply
from antiphon.simulator.spec import SimulatorSpec
from antiphon.simulator.wires import RESPONSES


def is_resumable(dialect: Dialect, spec: SimulatorSpec, asked: Question, reply: Reply) -> bool:
    """Whether a stream breaks off inside a text, or behind one, that would be gone on with here.

    It is one text, in no form, without calls.
    """
    plain = asked.choices == 1 and asked.shape is None and asked.logprobs is None
    if not plain or not asked.stream or not reply.streamed or not isinstance(reply.pieces, tuple):
        return False
    if dialect.wire == RESPONSES or not goes_on(spec.prefill, asked.model):
        return False
    [answer] = answers_to(asked, spec.seed)
    if answer.calls or answer.refusal:
        return False
    spelling, frames = dialect.spelling, [piece.data for piece in reply.pieces]
    whole = any(map(spelling.is_end, frames))
    return not whole and any(map(spelling.text.search, frames))
