"""The reference node: what sets are measured on unless told otherwise."""

CPUS = 2.0
MEMORY = "6g"
BANDWIDTH = "100mbit"
IMAGES = "standin"
