"""A fake GitHub Copilot, and the part of GitHub that leads to it."""
