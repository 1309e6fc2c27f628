"""Checks: what is wrong with a run, where, and what to do."""
