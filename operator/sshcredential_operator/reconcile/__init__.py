"""One pass over a credential: observe, decide, act, report. Knows no client and no framework."""
