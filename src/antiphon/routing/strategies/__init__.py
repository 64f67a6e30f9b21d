"""What orders the candidates of a request: one small class for each way."""
