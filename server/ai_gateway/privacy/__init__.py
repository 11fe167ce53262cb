"""What must not be seen by others: secrets in prompts and in logs, and files that are private."""
