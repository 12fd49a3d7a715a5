"""Losses: functions and modules of tensors. Know no network."""
