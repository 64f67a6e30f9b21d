"""What Codex CLI wants of `GET {base_url}/models?client_version=X.Y.Z`.

Known from its public source, versions 0.98 to 0.155; `codex_models.json` has every member that any
of them wants, and a whole catalogue is one such entry for each model that the key may use.

* The answer is `{"models": [...]}`; anything else, also OpenAI's `{"object": "list", "data": …}`,
  is an error that the user does not see, and the catalogue inside the binary is used. So is it for
  an empty list, which is therefore the safe answer of a gateway that has nothing to say.
* One bad entry loses the whole answer: an absent member that is wanted, a word that is none of its
  list, or a fraction where a whole number is wanted (`effective_context_window_percent`).
* What newer versions no longer want older ones do, and no version minds members that it does not
  know: so an entry has them all. Of words only those are safe that all versions know: efforts up
  to `xhigh`, `shell_type` `shell_command` or `disabled`, `apply_patch_tool_type` `freeform` or
  null, modalities `text` and `image`.
* `base_instructions` (older) and `model_messages.instructions_template` (newer) become the
  instructions of every request: an empty text would leave the model without any. A gateway that
  has no prompt of its own for a model should not list it, since Codex has one for names that it
  does not find.
* A model is found by the longest `slug` that its name begins with, and once more behind one
  `provider/`. Entries are added to the catalogue inside the binary, in place of those of the same
  slug; they replace all of it only for users who are logged in with ChatGPT.
* It is asked only by users who are logged in with ChatGPT or whose provider gets its key by a
  command (`auth.command`), within 5 s, and again after 300 s or when the header `x-models-etag` of
  an answer differs from the `ETag` that the list had. A provider with `env_key` never asks.
* `use_responses_lite` must be false: else its tools come as an item of the input, see `codex.lite`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

FIXTURE: Final = Path(__file__).with_name("codex_models.json")

_Text = Annotated[str, Meta(min_length=1)]
_Count = Annotated[int, Meta(ge=1)]


class Effort(Struct):
    """One step of thinking that the picker offers."""

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"]
    description: str


class Truncation(Struct):
    """How much of a tool's output is kept."""

    mode: Literal["bytes", "tokens"]
    limit: _Count


class Messages(Struct):
    """The instructions, for versions that have them here."""

    instructions_template: _Text
    instructions_variables: None


class Model(Struct):
    """An entry that every version takes."""

    slug: _Text
    display_name: _Text
    description: str | None
    supported_reasoning_levels: list[Effort]
    shell_type: Literal["shell_command", "disabled"]
    visibility: Literal["list", "hide", "none"]
    supported_in_api: Literal[True]
    priority: int
    upgrade: None
    base_instructions: _Text
    model_messages: Messages
    supports_reasoning_summaries: bool
    support_verbosity: bool
    default_verbosity: Literal["low", "medium", "high"] | None
    apply_patch_tool_type: Literal["freeform"] | None
    truncation_policy: Truncation
    supports_parallel_tool_calls: bool
    experimental_supported_tools: list[str]
    use_responses_lite: Literal[False]
    default_reasoning_level: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = (
        None
    )
    default_reasoning_summary: Literal["auto", "concise", "detailed", "none"] = "auto"
    web_search_tool_type: Literal["text", "text_and_image"] = "text"
    context_window: _Count | None = None
    max_context_window: _Count | None = None
    auto_compact_token_limit: _Count | None = None
    effective_context_window_percent: Annotated[int, Meta(ge=1, le=100)] = 95
    input_modalities: tuple[Literal["text", "image"], ...] = ("text", "image")


class Catalogue(Struct):
    """The whole answer."""

    models: list[Model]


def read(body: bytes) -> Catalogue:
    """Read a catalogue as the strictest of all versions would.

    Raises:
        msgspec.ValidationError: some version would lose the whole of it.
    """
    return msgspec.json.decode(body, type=Catalogue)
