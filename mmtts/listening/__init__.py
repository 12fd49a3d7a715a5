"""What the page to listen to is made of."""
