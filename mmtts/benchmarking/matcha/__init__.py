"""A plain re-creation of Matcha-TTS with HiFi-GAN V1, with random weights: to compare the cost."""
