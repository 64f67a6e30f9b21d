"""A request of one dialect, fitted to another, and the way back of its answer.

Dialects disagree on more than words: where results of tools stand, what an id or a name may be,
whether a tool takes free text, who watches for stop sequences. Here a conversation becomes one
that the target takes, and all that its answer must not show is undone. Nothing visible that a
user or an assistant said is lost. Fitting depends on nothing but the request and the target, so a
conversation that grows is fitted the same as far as it was there before.

Hot path: a plain conversation is looked at once and stays the same object.
"""

from __future__ import annotations

import msgspec

from antiphon.dialects.contract import Target, Traits
from antiphon.dialects.fitting.calls import answered, identified, is_answered
from antiphon.dialects.fitting.documents import titled
from antiphon.dialects.fitting.forms import instructed, opener_of, with_the_word
from antiphon.dialects.fitting.tools import legal_names, offered, renamed, with_ids, wrapped
from antiphon.dialects.fitting.turns import Turns, begun, is_plain, joined, placed, sayable
from antiphon.dialects.fitting.undo import Undo, Undoing, undone
from antiphon.model.parts import CallKind, ToolCall, ToolResult
from antiphon.model.reply import ChatReply
from antiphon.model.request import ChatRequest, CustomTool, OutputForm


class Fitting:
    """A request as the target takes it.

    Args:
        heard: Traits of the caller's dialect: the calls that it is told of get ids that are legal
            there, and that its conversation does not hold yet. None leaves them as they come.
        in_words: The form of the answer is asked for in words, since the target has no member for
            it, and is taken out of whatever words come back.

    Attributes:
        request: The fitted request; the same object where nothing had to be done.
        undoing: What must be undone in its answer.
    """

    __slots__ = ("request", "undoing")

    def __init__(
        self,
        request: ChatRequest,
        traits: Traits,
        target: Target,
        heard: Traits | None = None,
        *,
        in_words: bool = False,
    ) -> None:
        form, opener = request.output, None
        if in_words and form is not None:
            opener = opener_of(form)
            request = instructed(request, json_mode=target.json_mode)
        elif form is not None and form.form is OutputForm.JSON and traits.json_word:
            request = with_the_word(request)
        ids = heard.call_id if heard is not None and request.tools else None
        known = _ids(request.turns) if ids is not None else frozenset[str]()
        if not is_plain(request.turns, traits):
            turns = request.turns
            if heard is None or heard.dialect != traits.dialect:
                turns = titled(turns, traits)
            turns = fitted_turns(turns, traits, target)
            if turns is not request.turns:
                request = msgspec.structs.replace(request, turns=turns)
        request = offered(request, traits)
        legacy = request.legacy_functions and not traits.legacy_functions
        custom = frozenset[str]()
        called = frozenset[CallKind]()
        if not (traits.custom_tools and traits.legacy_functions):
            called = _kinds(request.turns)
        if not traits.custom_tools:
            custom = frozenset(tool.name for tool in request.tools if isinstance(tool, CustomTool))
            if custom or CallKind.CUSTOM in called:
                request = wrapped(request)
        if legacy or (not traits.legacy_functions and CallKind.LEGACY in called):
            request = with_ids(request)
        names = legal_names(request, traits)
        if names:
            request = renamed(request, names)
        kept, watched = _stops(request.stop, traits)
        if kept != request.stop:
            request = msgspec.structs.replace(request, stop=kept)
        self.request = request
        self.undoing = Undoing(
            names={new: old for old, new in names.items()},
            custom=custom,
            legacy=legacy,
            stops=watched,
            choices=request.n or 1,
            ids=ids,
            known=known,
            opener=opener,
        )

    @property
    def undoes(self) -> bool:
        """Whether there is anything to be undone in the answer."""
        return not self.undoing.is_empty

    def undo(self) -> Undo:
        """A new way back for one stream."""
        return Undo(self.undoing)

    def reply(self, reply: ChatReply) -> ChatReply:
        """The whole reply that the caller is given."""
        return undone(reply, self.undoing) if self.undoes else reply


def fitted_turns(turns: Turns, traits: Traits, target: Target) -> Turns:
    """The turns, by all rules, in the order in which these can be applied."""
    turns = joined(sayable(turns, traits, target.scope))
    if not is_answered(turns, traits):
        # Results that are moved up can leave two turns of an assistant side by side.
        turns = joined(answered(identified(turns, traits)))
    if not traits.later_system:
        turns = placed(turns)
    return begun(turns) if traits.user_first else turns


def _ids(turns: Turns) -> frozenset[str]:
    return frozenset(call.call_id for turn in turns for call in turn.tool_calls)


def _kinds(turns: Turns) -> frozenset[CallKind]:
    return frozenset(
        part.kind
        for turn in turns
        for part in turn.parts
        if isinstance(part, ToolCall | ToolResult)
    )


def _stops(stops: tuple[str, ...], traits: Traits) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The stop sequences that the target takes, and those that are watched for here."""
    if not stops:
        return stops, ()
    most = len(stops) if traits.stops is None else traits.stops
    takes = tuple(stop for stop in stops if stop and (traits.blanks or not stop.isspace()))[:most]
    return takes, tuple(stop for stop in stops if stop and stop not in takes)
