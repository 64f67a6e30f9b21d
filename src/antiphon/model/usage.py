"""Usage in disjoint words: their sum is the provider's own total (DESIGN section 4)."""

from __future__ import annotations

import msgspec


class Usage(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Tokens of one attempt, each counted in exactly one word.

    Attributes:
        input_tokens: Prompt tokens that were neither read from nor written to a cache.
        cache_read_tokens: Prompt tokens read from the provider's cache.
        cache_write_tokens: Prompt tokens written to a cache that lives five minutes.
        cache_write_1h_tokens: Prompt tokens written to a cache that lives an hour.
        output_tokens: Visible text and tool calls.
        reasoning_tokens: Hidden or shown thought.
        audio_input_tokens: Audio of the prompt.
        audio_output_tokens: Audio of the answer.
        image_tokens: Pictures of the prompt, where the provider counts them apart.
    """

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    image_tokens: int = 0

    @property
    def input_total(self) -> int:
        """All tokens of the prompt."""
        return (
            self.input_tokens
            + self.cache_read_tokens
            + self.cache_write_tokens
            + self.cache_write_1h_tokens
            + self.audio_input_tokens
            + self.image_tokens
        )

    @property
    def output_total(self) -> int:
        """All tokens of the answer."""
        return self.output_tokens + self.reasoning_tokens + self.audio_output_tokens

    @property
    def total(self) -> int:
        """Every token, once."""
        return self.input_total + self.output_total
