"""Time and memory of systems and their peers, measured in processes of their own, in turns."""
