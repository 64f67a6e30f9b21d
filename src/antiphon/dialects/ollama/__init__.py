"""Ollama's own API, and the servers that are like it."""

from antiphon.dialects.ollama.dialect import OLLAMA, OLLAMA_GENERATE, Ollama, OllamaGenerate

__all__ = ["OLLAMA", "OLLAMA_GENERATE", "Ollama", "OllamaGenerate"]
