"""What the demo says and runs, in order. Pure: `telling` shows it, and tests hold the README to it.

Every command stands here exactly as a person would type it in the checkout's root. `.demo/` is the demo's folder.
"""

from __future__ import annotations

from typing import Final, NamedTuple

FOLDER: Final = ".demo"
PASSPHRASE: Final = "correct horse battery staple"
MISTYPED: Final = "correct horse battery stable"
CHART_FILES: Final = "charts/sshcredential-operator/files"


class Say(NamedTuple):
    """A sentence or two between commands."""

    text: str


class Export(NamedTuple):
    """A variable for all commands that follow."""

    name: str
    value: str


class Run(NamedTuple):
    """A command. The demo fails unless it succeeds and its output holds all of `shows`."""

    command: str
    shows: tuple[str, ...] = ()


class RunOperator(NamedTuple):
    """The operator's own command, in the background. The demo goes on when /readyz says ok."""

    command: str
    log: str


Step = Say | Export | Run | RunOperator


class Chapter(NamedTuple):
    """Some steps under a heading."""

    title: str
    steps: tuple[Step, ...]


INSTALLATION: Final = Chapter(
    "A cluster, and the operator in it",
    (
        Export("KUBECONFIG", ".demo/kubeconfig"),
        Say("The API, the admission policies, and the roles for the operator and for people:"),
        Run(f"kubectl apply -f crds/ -f {CHART_FILES}/admission/ -f {CHART_FILES}/rbac/"),
        Say("A namespace for the operator's key ring, and one in which a team works:"),
        Run("kubectl create namespace sshcredential-system"),
        Run("kubectl create namespace genomics"),
        Say("The operator is a user like any other, who may do what these three roles say and nothing else:"),
        Run(
            "kubectl create rolebinding sshcredential-operator -n sshcredential-system \\\n"
            "    --clusterrole=sshcredential-operator-operator-namespace --user=operator"
        ),
        Run(
            "kubectl create rolebinding sshcredential-operator -n genomics \\\n"
            "    --clusterrole=sshcredential-operator-workspace --user=operator"
        ),
        Run(
            "kubectl create clusterrolebinding sshcredential-operator \\\n"
            "    --clusterrole=sshcredential-operator-cluster --user=operator"
        ),
        Say("Everybody may read the public halves of its sealing keys, to encrypt keys for it:"),
        Run(
            "kubectl create rolebinding sshcredential-sealing-keys-reader -n sshcredential-system \\\n"
            "    --clusterrole=sshcredential-sealing-keys-reader --group=system:authenticated"
        ),
        RunOperator(
            "KUBECONFIG=.demo/operator.kubeconfig \\\n"
            "    .venv/bin/sshcredential-operator run --workspace genomics --log-format console",
            ".demo/operator.log",
        ),
        Say("Everything from here on is in the team's namespace:"),
        Run("kubectl config set-context --current --namespace=genomics"),
    ),
)

GENERATED: Final = Chapter(
    "A key that the operator makes",
    (
        Run("grep -v '^#' examples/generated.yaml", ("generate: {}",)),
        Say("That is all it takes. The second example asks for RSA with 4096 bits and a random passphrase."),
        Run("kubectl apply -f examples/generated.yaml -f examples/generated-rsa-with-passphrase.yaml"),
        Run("kubectl wait --for=condition=Ready sshcredential --all --timeout=60s", ("hpc-login", "sequencer-upload")),
        Run("kubectl get sshcredentials", ("Ed25519", "RSA", "SHA256:")),
        Say("The public key, one line for ~/.ssh/authorized_keys on the server:"),
        Run("kubectl get sshcredential hpc-login -o jsonpath='{.status.publicKey}{\"\\n\"}'", ("ssh-ed25519 AAAA",)),
        Say("The private key lies in a Secret, encrypted. Long lines are cut to fit the page."),
        Run(
            "kubectl get secret hpc-login-sshcredential -o yaml | cut -c -100",
            ("privateKey.1:", "type: sshcredentials.dev/credential"),
        ),
        Say("Behind the base64 is a JWE: AES-256-GCM, under a key of this namespace, bound to this very place."),
        Run(
            "kubectl get secret hpc-login-sshcredential -o jsonpath='{.data.privateKey\\.1}' | base64 -d | cut -c -100",
            ('"alg":"A256GCMKW"',),
        ),
    ),
)

IMPORTED: Final = Chapter(
    "A key that you already have",
    (
        Say("A real key, protected by a passphrase:"),
        Run(f"ssh-keygen -q -t ed25519 -C alice@laptop -N '{PASSPHRASE}' -f .demo/id_ed25519"),
        Run(f"printf '{PASSPHRASE}' > .demo/passphrase.txt"),
        Say("Both go into a Secret, and the credential names that Secret:"),
        Run(
            "kubectl create secret generic my-key \\\n"
            "    --from-file=ssh-privatekey=.demo/id_ed25519 --from-file=passphrase=.demo/passphrase.txt"
        ),
        Run("grep -v '^#' examples/imported.yaml", ("importFrom:", "secretName: my-key")),
        Run("kubectl apply -f examples/imported.yaml"),
        Run("kubectl wait --for=condition=Ready sshcredential/my-login --timeout=60s"),
        Say("Key and passphrase were tried before anything was stored. The fingerprint is the one ssh-keygen shows:"),
        Run("kubectl get sshcredential my-login", ("True", "SHA256:")),
        Run("ssh-keygen -l -f .demo/id_ed25519.pub", ("SHA256:",)),
        Say("The credential has an encrypted copy of its own now, so the plain Secret can go:"),
        Run("kubectl delete secret my-key"),
        Run("kubectl get sshcredential my-login", ("True", "Available")),
    ),
)

MISTAKE: Final = Chapter(
    "What a mistake looks like",
    (
        Say("The same key, with a typing error in the passphrase:"),
        Run(
            "kubectl create secret generic typo-key \\\n"
            f"    --from-file=ssh-privatekey=.demo/id_ed25519 --from-literal=passphrase='{MISTYPED}'"
        ),
        Run("sed 's/my-/typo-/' examples/imported.yaml | kubectl apply -f -"),
        Run("kubectl wait --for=condition=Stalled sshcredential/typo-login --timeout=60s"),
        Run("kubectl get sshcredential typo-login", ("False", "WrongPassphrase")),
        Say("What is wrong, and what to do:"),
        Run(
            "kubectl get sshcredential typo-login \\\n"
            """    -o jsonpath='{.status.conditions[?(@.type=="Ready")].message}{"\\n"}'""",
            ("typo-key", "passphrase"),
        ),
        Say("Correct the Secret, and nothing else is needed:"),
        Run(f"""kubectl patch secret typo-key -p '{{"stringData":{{"passphrase":"{PASSPHRASE}"}}}}'"""),
        Run("kubectl wait --for=condition=Ready sshcredential/typo-login --timeout=60s"),
        Run("kubectl get sshcredentials", ("hpc-login", "my-login", "sequencer-upload", "typo-login")),
    ),
)

STORY: Final = (INSTALLATION, GENERATED, IMPORTED, MISTAKE)

THINGS_TO_TRY: Final = (
    ("kubectl get sshcredentials -o wide", "with a message for each"),
    ("kubectl explain sshcredential.spec", "every field"),
    ("kubectl delete sshcredential hpc-login", "its key waits a week ..."),
    ("kubectl apply -f examples/generated.yaml", "... and comes back"),
    ("kubectl delete secret hpc-login-sshcredential", "a lost key is told, and never replaced by itself"),
)
