"""The root of the configuration, composed of the sections that each package describes itself."""
