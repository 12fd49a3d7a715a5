"""Metrics: what is measured on the synthesized speech and on the style space."""
