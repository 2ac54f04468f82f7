"""Builds the operator's image with what the machine has: `make image`."""
