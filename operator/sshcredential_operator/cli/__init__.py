"""Command lines: `sshcredential-operator`."""
