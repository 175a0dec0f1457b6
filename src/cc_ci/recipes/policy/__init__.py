"""What a recipe may ask of the node: refused by reading, before a node is touched. Pure.

`judgement.judge` is the way in. `keys` has a decision for each key of the compose format; what is not
harmless has a permission of its own (`permissions`), which `--trust` opens.
"""
