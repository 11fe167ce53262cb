"""Answers given before: kept in memory, kept for longer, and shared while they are being given."""
