"""The private node and the stand-in images: everything that a fresh machine lacks."""
