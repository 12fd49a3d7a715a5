"""Stages: one Lightning module for each step of the method."""
