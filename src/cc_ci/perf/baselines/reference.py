"""The reference node: what sets are measured on unless told otherwise."""

CPUS = 2.0
MEMORY = "6g"
BANDWIDTH = "100mbit"
IMAGES = "standin"
ENGINES = ("system",)
"""Of sets that do not tell: there was no other than the machine's own."""
