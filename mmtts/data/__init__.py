"""Data: corpora, attributes, pairs, faces and batches. Knows no network."""
