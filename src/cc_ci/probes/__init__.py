"""Looking at a deployed app from outside, as its users reach it."""
