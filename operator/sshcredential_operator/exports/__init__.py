"""Plain copies of credentials for those who use them: explicit, by name, in each consumer's own form."""
