"""Step 4: measurements become alerts, alerts become incidents, and of incidents people are told once."""
