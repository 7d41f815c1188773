"""Ground floor: rows become a profile, a small summary of counts that merges by `+`."""
