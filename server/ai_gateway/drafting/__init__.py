"""Drafts of what people write about a change: a pull request of a branch, a commit message of what is staged.

Nothing here is imported before somebody asks for a draft: `drafter` makes one, `draft` is what comes of it.
"""
