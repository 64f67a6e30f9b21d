"""What is done when a provider fails: decided here, done by the pipeline."""
