"""One YAML file, read to plain data that remembers where each member stood."""
