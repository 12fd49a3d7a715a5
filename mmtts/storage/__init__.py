"""What lies on the disk: model folders and their configurations, written whole or not at all."""
