"""What is on a node, what a run left there, whose run still lives, and removing what dead ones left."""
