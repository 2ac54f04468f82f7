"""Command lines: `sshcredential-operator` and `sshcred`."""
