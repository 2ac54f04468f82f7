// Command controlplane is a whole Kubernetes control plane in one binary: etcd and the real commands of Kubernetes,
// chosen by the first argument. The tests and the demo build it from go.mod and go.sum, because no ready-made binary
// is needed then, only Go and its module cache.
package main

import (
	"context"
	"fmt"
	"os"

	etcd "go.etcd.io/etcd/server/v3/etcdmain"

	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"

	// What the commands' own main packages register, too: JSON logs and metrics of the client and of the version.
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
)

const usage = "usage: controlplane etcd|apiserver|controller-manager|scheduler|kubelet|proxy|kubectl [flags]"

func main() {
	if len(os.Args) < 2 {
		fail()
	}
	// Each command must find its own name and flags, as if it had been started directly.
	os.Args = os.Args[1:]
	switch os.Args[0] {
	case "etcd":
		etcd.Main(os.Args)
	case "apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "controller-manager":
		os.Exit(cli.Run(controllermanager.NewControllerManagerCommand()))
	case "scheduler":
		os.Exit(cli.Run(scheduler.NewSchedulerCommand()))
	case "kubelet":
		os.Exit(cli.Run(kubelet.NewKubeletCommand(context.Background())))
	case "proxy":
		os.Exit(cli.Run(proxy.NewProxyCommand()))
	case "kubectl":
		os.Exit(cli.Run(kubectl.NewDefaultKubectlCommand()))
	default:
		fail()
	}
}

func fail() {
	fmt.Fprintln(os.Stderr, usage)
	os.Exit(2)
}
