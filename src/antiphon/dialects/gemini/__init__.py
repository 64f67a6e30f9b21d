"""Gemini's generateContent, and the servers that are like it."""

from antiphon.dialects.gemini.arrays import ArrayStream
from antiphon.dialects.gemini.dialect import GEMINI, Gemini

__all__ = ["GEMINI", "ArrayStream", "Gemini"]
