"""What exists on the node, what a run left behind, and who may remove it."""
