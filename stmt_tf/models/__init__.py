"""The generator, its parts, and the discriminators."""
