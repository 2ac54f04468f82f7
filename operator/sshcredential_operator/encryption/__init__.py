"""The envelope around stored values, the key ring and its root. Depends on the API's values only."""
