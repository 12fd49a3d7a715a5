"""Clips, mels, loudness and pitch: everything about sound that is not learned."""
