"""Where Copilot's tokens come from: what editors keep on disk, a file of our own, the GitHub CLI, a sign-in."""
