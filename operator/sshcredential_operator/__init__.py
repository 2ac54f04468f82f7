"""SSH credentials on Kubernetes: generated or validated, encrypted, and never changed unasked."""

__version__ = "0.1.0"
