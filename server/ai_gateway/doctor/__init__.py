"""What is configured, from where, whether it works, and what to do next. Never shows a secret."""
