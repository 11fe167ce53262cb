"""GitHub Copilot: the way in, and the chat."""
