"""Step 1: how right a model is, computed from profiles alone."""
