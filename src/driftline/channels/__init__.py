"""Channels: ways of telling people and other systems. Each file is one of them; none knows another."""
