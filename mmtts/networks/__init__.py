"""Networks: plain ``nn.Module`` classes built from plain values."""
