"""The suite for providers."""
