"""Evaluation: the questions that the measures answer, and the report they are written to."""
