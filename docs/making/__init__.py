"""What the documentation is made of: one module per kind of page, each from values to Markdown."""
