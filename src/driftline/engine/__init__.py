"""The staircase: load, compute, save. No arithmetic of its own."""
