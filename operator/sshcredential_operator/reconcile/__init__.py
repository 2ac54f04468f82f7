"""One pass over one credential: observe, decide, act, report. Knows neither Kopf nor the Kubernetes client."""
