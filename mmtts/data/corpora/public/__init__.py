"""Corpora in the layout their authors publish."""
