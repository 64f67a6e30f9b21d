"""What happened, kept before it counts as done: one mapped file after another, a process each."""
