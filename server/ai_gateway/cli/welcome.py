"""What a bare `ai-gateway` says to a person."""

WELCOME = """\
AI Gateway is a language server: an editor starts it and asks it over standard input.
It asks GitHub Copilot, then a cloud model, then a local one, until one answers.

Without an editor:
  ai-gateway demo                 watch prompts survive simulated outages
  ai-gateway doctor               see what is configured here, and what to do next
  ai-gateway ask "why is the sky blue?"
  git diff | ai-gateway ask "review this change:" -
  ai-gateway explain              see why the last answer came from where it came from

With one, let it run:  ai-gateway --stdio
More:  ai-gateway --help"""
