"""What every command does first: read words, choose threads, end in one sentence."""
