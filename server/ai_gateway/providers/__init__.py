"""Providers: each speaks one API, with one credential."""
