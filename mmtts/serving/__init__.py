"""An HTTP server that programs written for OpenAI's speech interface can speak to."""
