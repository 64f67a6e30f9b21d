"""What others test their work with: the compliance kit for wire formats and providers."""
