"""The guard: shows that nothing was weakened. It imports nothing of cc-ci, and starts it as a process.

What it reads are files that cc-ci wrote, and the engine's own answers.
"""
