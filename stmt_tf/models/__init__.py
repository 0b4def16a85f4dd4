"""The generators, the layers that they are made of, and the discriminators."""
