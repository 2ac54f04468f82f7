"""`sshcred sealing-key`: the public keys that values are sealed to, as a file, and how to be sure of them."""

from __future__ import annotations

from typing import Unpack

import click

from sshcredential_operator.cli.desk import cluster_options, operator_namespace_option
from sshcredential_operator.cli.sealing_keys_at_desk import described, newest
from sshcredential_operator.cli.writing_desk import ClusterAsked, WritingDesk
from sshcredential_operator.encryption.sealing_keys import (
    SEALING_KEYS_CONFIG_MAP,
    SEALING_KEYS_DATA_KEY,
    to_jwks,
)


@click.command("sealing-key")
@operator_namespace_option
@cluster_options
def sealing_key(**asked: Unpack[ClusterAsked]) -> None:
    r"""Print the operator's public sealing keys, for --sealing-key of other commands.

    With the file, private keys are sealed where there is no cluster. Everybody may have it; what matters is that it is
    the operator's own, so compare the fingerprint, which is printed to standard error, with what somebody tells you who
    sees the operator's namespace. The operator makes a new key every 30 days, so get a new file now and then.

    \b
    Exit status: 0 they are printed, 1 they are not and why is said, 2 wrong use.

    \b
    Examples:
      sshcred sealing-key > key.json
      sshcred sealing-key --context production --operator-namespace ssh-system > key.json
    """
    keys = WritingDesk(asked).sealing_keys(None)
    click.echo(to_jwks(keys), nl=False)
    where = asked["operator_namespace"]
    click.echo(f"the newest is {described(newest(keys))}", err=True)
    click.echo(
        f"Compare the fingerprint with the one in the operator's log, or, by somebody with another way to the cluster: "
        f"kubectl get configmap {SEALING_KEYS_CONFIG_MAP} -n {where} "
        f"-o jsonpath='{{.data.{SEALING_KEYS_DATA_KEY.replace('.', chr(92) + '.')}}}'",
        err=True,
    )
