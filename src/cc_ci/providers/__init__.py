"""Services that apps under test depend on: what each run gets of one, and how it is asked for it."""
