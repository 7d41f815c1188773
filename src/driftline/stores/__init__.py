"""Stores of records: one file per kind."""
