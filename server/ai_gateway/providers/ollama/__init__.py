"""Ollama: models on this machine."""
