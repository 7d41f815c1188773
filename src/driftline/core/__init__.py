"""Foundation: the words that every other room uses. Imports nothing of ours."""
