"""One YAML file per model becomes a Plan, or one sentence with the place of the mistake."""
