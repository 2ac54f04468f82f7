"""The process `sshcredential-operator targets`: all that connects to other machines than the API server.

It watches SSHTargets and credentials, and gives the pass in `sshcredential_operator.targets` its world.
"""
