"""Lakes, the logs of rows: one file per kind."""
