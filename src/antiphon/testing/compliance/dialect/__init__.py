"""The suite for dialects."""
