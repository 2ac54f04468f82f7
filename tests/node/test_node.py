"""The node of the tests is a real one: pods are confined, restarted, and reach each other; the machine sees nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from controlplane.access import KubectlFailed
from controlplane.binaries import find_binaries
from controlplane.waiting import wait_until
from node import probes
from node.addresses import NODE, NODE_ADDRESS
from node.listening import Listener, listeners, processes_in
from node.node import FIRST, Node
from node.probes import Probe

FETCH = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode(), end='')"


@pytest.fixture(scope="module")
def probe(node: Node) -> Iterator[Probe]:
    started = probes.start(node)
    yield started
    node.kubectl("delete", "namespace", started.namespace, "--wait=false")


def test_the_node_is_ready(node: Node) -> None:
    node.kubectl("wait", "--for=condition=Ready", "--timeout=10s", f"node/{NODE}")


def test_a_pod_is_confined_as_it_asks_to_be(probe: Probe) -> None:
    told = dict(re.findall(r"^(\w+):\t(.*)$", probe.asked("confinement"), re.MULTILINE))
    assert told["Uid"].split()[0] == "65532"
    assert (told["NoNewPrivs"], told["Seccomp"], int(told["CapEff"], 16)) == ("1", "2", 0)
    assert "Root" not in told


def test_a_pod_that_is_not_restricted_is_refused_where_it_must_be(probe: Probe) -> None:
    with pytest.raises(KubectlFailed, match=r'violates PodSecurity "restricted:latest": privileged'):
        probe.kubectl("run", "bad", f"--image={probes.IMAGE}", "--privileged")


@pytest.mark.parametrize(
    ("name", "member"),
    [
        pytest.param("kubernetes.default.svc.cluster.local", None, id="the API server's"),
        pytest.param(
            probes.SERVICE, "{.spec.clusterIP}", id="that of a Service in its own namespace, by its short name"
        ),
    ],
)
def test_a_pod_finds_the_address_of_a_service(probe: Probe, name: str, member: str | None) -> None:
    expected = probe.kubectl("get", "service", name, "-o", f"jsonpath={member}") if member else "10.0.0.1"
    assert probe.asked("lookup", name) == expected


def test_a_pod_reaches_itself_through_its_service(probe: Probe) -> None:
    asked = f"http://{probes.SERVICE}/"
    wait_until(lambda: probe.asked("get", asked) == "here", "kube-proxy leads the Service's address to the pod")


def test_a_service_is_reached_from_inside_the_node(node: Node, probe: Probe) -> None:
    address = probe.kubectl("get", "service", probes.SERVICE, "-o", "jsonpath={.spec.clusterIP}")
    command = (sys.executable, "-I", "-c", FETCH, f"http://{address}/")
    wait_until(lambda: node.run(*command, check=False).stdout == "here", "kube-proxy leads its address to the pod")


def test_logs_are_shown(probe: Probe) -> None:
    assert probe.kubectl("logs", probes.NAME) == "probe: serving\n"


def test_a_port_is_forwarded_to_the_machine(node: Node, probe: Probe) -> None:
    command = [*find_binaries().kubectl, "port-forward", "--namespace", probe.namespace, probes.NAME]
    environment = {**os.environ, "KUBECONFIG": str(node.kubeconfig_for("admin"))}
    with subprocess.Popen(
        [*command, f":{probes.PORT}"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as forwarding:
        assert forwarding.stdout is not None
        address = forwarding.stdout.readline().removeprefix("Forwarding from ").partition(" ")[0]
        with urllib.request.urlopen(f"http://{address}/", timeout=10) as answer:
            said = answer.read()
        forwarding.terminate()
    assert said == b"here"


def test_a_container_whose_process_was_killed_is_started_again(node: Node, probe: Probe) -> None:
    before, (killed, *_) = restarts(probe), node.processes_of(probe.namespace, probes.NAME)
    assert "probe" in Path(f"/proc/{killed.pid}/cmdline").read_text()
    os.kill(killed.pid, signal.SIGKILL)
    wait_until(lambda: restarts(probe) == before + 1, "the kubelet started the container again", 60)
    assert probe.told(".status.containerStatuses[0].lastState.terminated.exitCode") == "137"
    assert [process.pid for process in node.processes_of(probe.namespace, probes.NAME)] != [killed.pid]


def restarts(probe: Probe) -> int:
    return int(probe.told(".status.containerStatuses[0].restartCount"))


def test_the_machine_listens_for_the_node_on_one_port_of_its_loopback_alone(node: Node, probe: Probe) -> None:
    inside = processes_in(node.daemons[FIRST].pid)
    assert node.processes_of(probe.namespace, probes.NAME)[0].pid in inside
    ours = inside | {daemon.pid for daemon in node.daemons.values()}
    port = int(node.server.rpartition(":")[2])
    assert [found for found in listeners() if found.pid in ours] == [
        Listener("127.0.0.1", port, node.daemons["relay"].pid)
    ]


def test_no_address_of_the_node_is_the_machines(node: Node) -> None:
    links = json.loads(subprocess.run(["ip", "-j", "addr"], capture_output=True, check=True).stdout)
    found = {address["local"] for link in links for address in link["addr_info"]}
    inside = json.loads(node.run("ip", "-j", "addr").stdout)
    assert NODE_ADDRESS in {address["local"] for link in inside for address in link["addr_info"]}
    assert NODE_ADDRESS not in found
