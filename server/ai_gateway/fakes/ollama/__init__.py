"""A fake Ollama."""
