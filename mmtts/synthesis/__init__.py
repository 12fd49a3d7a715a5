"""What speaks: a system folder becomes a synthesizer, and anything becomes a voice."""
