"""One module for each area: what is fuzzed there, and what has to hold."""
