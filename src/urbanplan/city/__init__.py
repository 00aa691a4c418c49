"""A city's folder: its profile and layers, and how files come into it."""
