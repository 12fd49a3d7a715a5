"""Corpora that do not fit into memory: Lhotse Shar, read as a stream."""
