"""OpenAI's API: OpenAI itself, Azure, every compatible server; Copilot speaks it too."""
