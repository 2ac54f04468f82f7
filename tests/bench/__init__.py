"""Speed and cost, always as a ratio to what the API server itself costs in the same run."""
