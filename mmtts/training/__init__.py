"""What runs a stage: run folders, checkpoints, callbacks, exact resume."""
