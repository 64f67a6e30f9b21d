"""Wire formats: bytes to the model and back. Pure; none imports another."""
