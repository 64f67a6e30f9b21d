"""The AI SDK, with its provider for whatever is compatible with OpenAI."""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import override

from antiphon.cli.connecting.clients.base import HELLO, Client, Program, quoted
from antiphon.cli.connecting.facts import Facts


class _AiSdk(Program):
    name = "ai-sdk"
    title = "the AI SDK"
    language = "javascript"

    @override
    def text(self, facts: Facts) -> str:
        key = facts.key
        shown = f"process.env.{key.variable}" if key.referred else quoted(key.written)
        return f"""import {{ createOpenAICompatible }} from "@ai-sdk/openai-compatible";
import {{ generateText }} from "ai";

const antiphon = createOpenAICompatible({{
  name: "antiphon",
  baseURL: {quoted(facts.openai_url)},
  apiKey: {shown},
  includeUsage: true,
  supportsStructuredOutputs: true,
}});
const {{ text }} = await generateText({{
  model: antiphon({quoted(facts.model)}),
  prompt: {quoted(HELLO)},
}});
console.log(text);
"""

    @override
    def notes(self, facts: Facts) -> Sequence[str]:
        return [
            "npm install ai @ai-sdk/openai-compatible",
            "It is a module: name the file .mjs, or .mts for TypeScript.",
        ]


AI_SDK: Client = _AiSdk()
