"""Text: normalization, sentences and phonemes."""
