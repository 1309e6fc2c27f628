"""A small program for each rule of `graphviz-nn check`: one that it finds fault with, and the same one repaired.

Each function here has the name of its rule and trains a few steps. The pages in `docs/rules` show its text and what was
recorded of it, and a test runs them all.
"""
