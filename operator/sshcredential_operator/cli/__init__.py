"""Command lines. Nothing imports this package."""
