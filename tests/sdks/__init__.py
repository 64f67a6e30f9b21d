"""The official SDKs as clients: what they read of an answer is what its provider said."""
