// Command judges says what GitOps tools make of objects, with the code that the tools run. The tests build it.
//
//	judges kstatus                      Flux, and everybody with that library: Current, InProgress, Failed, Terminating
//	judges health-checks EXPRESSIONS    the same by the spec.healthCheckExprs of a Flux Kustomization, in this YAML file
//	judges lua SCRIPT                   what a script of Argo CD's resource customizations returns
//	judges argo-diff                    the merge patch by which Argo CD would sync {"target": ..., "live": ...}
//	judges flux-apply KUBECONFIG FILE   apply the manifests of FILE as kustomize-controller does, and wait until they are
//	                                    healthy; a line for each object says what was done to it
//
// All but the last read JSON from stdin, one object a line, and answer each with a line of JSON. What went wrong is said
// on stderr, with status 1.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling"
	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/normalize"
	ssautils "github.com/fluxcd/pkg/ssa/utils"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	luajson "layeh.com/gopher-json"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/yaml"
)

const (
	lastApplied = "kubectl.kubernetes.io/last-applied-configuration"
	longestLine = 16 << 20
	patience    = time.Minute
)

type judge func(line []byte) (any, error)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	switch {
	case len(arguments) == 1 && arguments[0] == "kstatus":
		return each(about(kstatus))
	case len(arguments) == 2 && arguments[0] == "health-checks":
		return healthChecks(arguments[1])
	case len(arguments) == 2 && arguments[0] == "lua":
		return customization(arguments[1])
	case len(arguments) == 1 && arguments[0] == "argo-diff":
		return each(argoDiff)
	case len(arguments) == 3 && arguments[0] == "flux-apply":
		return fluxApply(arguments[1], arguments[2])
	}
	return fmt.Errorf("usage: judges kstatus | health-checks FILE | lua SCRIPT | argo-diff | flux-apply KUBECONFIG FILE")
}

func each(judge judge) error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, longestLine)
	for lines.Scan() {
		said, err := judge(lines.Bytes())
		if err != nil {
			return err
		}
		line, err := json.Marshal(said)
		if err != nil {
			return err
		}
		fmt.Println(string(line))
	}
	return lines.Err()
}

// about judges Kubernetes objects, read as the tools read them: whole numbers are int64.
func about(judge func(*unstructured.Unstructured) (any, error)) judge {
	return func(line []byte) (any, error) {
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(line); err != nil {
			return nil, err
		}
		return judge(object)
	}
}

func kstatus(object *unstructured.Unstructured) (any, error) {
	result, err := status.Compute(object)
	return result, err
}

// healthChecks has an evaluator for each kind with expressions; the others are kstatus' business, as in Flux.
func healthChecks(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var checks []kustomize.CustomHealthCheck
	if err := yaml.UnmarshalStrict(text, &checks); err != nil {
		return err
	}
	evaluators := map[string]*cel.StatusEvaluator{}
	for _, check := range checks {
		evaluator, err := cel.NewStatusEvaluator(&check.HealthCheckExpressions)
		if err != nil {
			return err
		}
		evaluators[check.APIVersion+" "+check.Kind] = evaluator
	}
	return each(about(func(object *unstructured.Unstructured) (any, error) {
		evaluator := evaluators[object.GetAPIVersion()+" "+object.GetKind()]
		if evaluator == nil {
			return kstatus(object)
		}
		return evaluator.Evaluate(context.Background(), object)
	}))
}

// customization runs a script in the interpreter that Argo CD has, with what scripts of argocd-cm find there by default:
// basic functions and tables, neither strings nor files. (Argo CD's `os` with the time of day is left out.)
func customization(path string) error {
	script, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return each(about(func(object *unstructured.Unstructured) (any, error) {
		state := lua.NewState(lua.Options{SkipOpenLibs: true})
		defer state.Close()
		for name, library := range map[string]lua.LGFunction{lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable} {
			opened := lua.P{Fn: state.NewFunction(library), Protect: true}
			if err := state.CallByParam(opened, lua.LString(name)); err != nil {
				return nil, err
			}
		}
		state.SetGlobal("obj", asLua(state, object.Object))
		if err := state.DoString(string(script)); err != nil {
			return nil, err
		}
		said, err := luajson.Encode(state.Get(-1))
		return json.RawMessage(said), err
	}))
}

// asLua knows int64, which the library's own reader of JSON values leaves out.
func asLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case int64:
		return lua.LNumber(value)
	case []any:
		table := state.CreateTable(len(value), 0)
		for _, item := range value {
			table.Append(asLua(state, item))
		}
		return table
	case map[string]any:
		table := state.CreateTable(0, len(value))
		for name, item := range value {
			table.RawSetString(name, asLua(state, item))
		}
		return table
	}
	return luajson.DecodeValue(state, value)
}

// argoDiff compares as Argo CD does by default for kinds that it does not know, such as all of a CRD: what was applied
// last, what is to be applied, and what is there. An empty patch is Synced.
func argoDiff(line []byte) (any, error) {
	var pair struct{ Target, Live json.RawMessage }
	if err := json.Unmarshal(line, &pair); err != nil {
		return nil, err
	}
	live := &unstructured.Unstructured{}
	if err := live.UnmarshalJSON(pair.Live); err != nil {
		return nil, err
	}
	before := []byte(live.GetAnnotations()[lastApplied])
	patch, err := jsonmergepatch.CreateThreeWayJSONMergePatch(before, pair.Target, pair.Live)
	return json.RawMessage(patch), err
}

func fluxApply(kubeconfig, file string) error {
	manifests, err := os.Open(file)
	if err != nil {
		return err
	}
	defer manifests.Close()
	objects, err := ssautils.ReadObjects(manifests)
	if err != nil {
		return err
	}
	manager, err := resourceManager(kubeconfig)
	if err != nil {
		return err
	}
	if err := normalize.UnstructuredList(objects); err != nil {
		return err
	}
	manager.SetOwnerLabels(objects, "credentials", "flux-system")
	done, err := manager.ApplyAllStaged(context.Background(), objects, ssa.DefaultApplyOptions())
	if err != nil {
		return err
	}
	for _, entry := range done.Entries {
		fmt.Println(entry.Subject, entry.Action)
	}
	waiting := ssa.DefaultWaitOptions()
	waiting.Timeout = patience
	return manager.WaitForSet(done.ToObjMetadataSet(), waiting)
}

func resourceManager(kubeconfig string) (*ssa.ResourceManager, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	http, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	mapper, err := apiutil.NewDynamicRESTMapper(config, http)
	if err != nil {
		return nil, err
	}
	cluster, err := client.New(config, client.Options{HTTPClient: http, Mapper: mapper})
	if err != nil {
		return nil, err
	}
	poller := polling.NewStatusPoller(cluster, mapper, polling.Options{})
	owner := ssa.Owner{Field: "kustomize-controller", Group: "kustomize.toolkit.fluxcd.io"}
	return ssa.NewResourceManager(cluster, poller, owner), nil
}
