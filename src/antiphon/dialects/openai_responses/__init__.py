"""OpenAI Responses, and the Open Responses that servers share."""

from antiphon.dialects.openai_responses.dialect import OPENAI_RESPONSES, OpenAIResponses

__all__ = ["OPENAI_RESPONSES", "OpenAIResponses"]
