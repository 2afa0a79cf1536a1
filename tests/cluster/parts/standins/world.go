package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

type object = unstructured.Unstructured

func kind(group, version, resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: version, Resource: resource}
}

var (
	externalSecrets     = kind("external-secrets.io", "v1", "externalsecrets")
	clusterSecretStores = kind("external-secrets.io", "v1", "clustersecretstores")
	secretStores        = kind("external-secrets.io", "v1", "secretstores")
	secrets             = kind("", "v1", "secrets")
	events              = kind("", "v1", "events")
	services            = kind("", "v1", "services")
	pods                = kind("", "v1", "pods")
	claims              = kind("", "v1", "persistentvolumeclaims")
	volumes             = kind("", "v1", "persistentvolumes")
	statefulSets        = kind("apps", "v1", "statefulsets")
	endpointSlices      = kind("discovery.k8s.io", "v1", "endpointslices")
	postgresqls         = kind("acid.zalan.do", "v1", "postgresqls")
	routes              = kind("apisix.apache.org", "v2", "apisixroutes")
	pluginConfigs       = kind("apisix.apache.org", "v2", "apisixpluginconfigs")
	consumers           = kind("apisix.apache.org", "v2", "apisixconsumers")
)

// Label on everything that a stand-in made.
const standIn = "hosted-instances.test/stand-in"

// world is one cluster as a stand-in sees it: what it watches is kept here, and every change wakes
// it to look at everything once more.
type world struct {
	client    dynamic.Interface
	informers dynamicinformer.DynamicSharedInformerFactory
	listers   map[schema.GroupVersionResource]cache.GenericLister
	wake      chan struct{}
}

func newWorld(kubeconfig string) (*world, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 200, 400
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &world{
		client:    client,
		informers: dynamicinformer.NewDynamicSharedInformerFactory(client, 0),
		listers:   map[schema.GroupVersionResource]cache.GenericLister{},
		wake:      make(chan struct{}, 1),
	}, nil
}

// run looks at everything after each change, changes that come together being one, and again when a
// pass asks for it by the time it gives back.
func (w *world) run(
	ctx context.Context, pass func(context.Context) time.Duration, kinds ...schema.GroupVersionResource,
) error {
	for _, kind := range kinds {
		informer := w.informers.ForResource(kind)
		w.listers[kind] = informer.Lister()
		if _, err := informer.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { w.again() },
			UpdateFunc: func(_, _ any) { w.again() },
			DeleteFunc: func(any) { w.again() },
		}); err != nil {
			return err
		}
	}
	w.informers.Start(ctx.Done())
	w.informers.WaitForCacheSync(ctx.Done())
	fmt.Println("watching")
	for {
		next := pass(ctx)
		if next <= 0 {
			next = time.Minute
		}
		select {
		case <-ctx.Done():
			return nil
		case <-w.wake:
			// A burst of changes is one pass.
			time.Sleep(20 * time.Millisecond)
		case <-time.After(next):
		}
	}
}

func (w *world) again() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// all are the objects of a watched kind; they must not be changed.
func (w *world) all(kind schema.GroupVersionResource) []*object {
	found, err := w.listers[kind].List(labels.Everything())
	if err != nil {
		return nil
	}
	objects := make([]*object, 0, len(found))
	for _, one := range found {
		if it, ok := one.(*object); ok {
			objects = append(objects, it)
		}
	}
	return objects
}

// find is one object of a watched kind, or nothing.
func (w *world) find(kind schema.GroupVersionResource, namespace, name string) *object {
	var found runtime.Object
	var err error
	if namespace == "" {
		found, err = w.listers[kind].Get(name)
	} else {
		found, err = w.listers[kind].ByNamespace(namespace).Get(name)
	}
	if err != nil {
		return nil
	}
	it, _ := found.(*object)
	return it
}

// apply writes the fields of an object that are this stand-in's.
func (w *world) apply(ctx context.Context, kind schema.GroupVersionResource, it map[string]any, subresources ...string) error {
	made := &object{Object: it}
	_, err := w.client.Resource(kind).Namespace(made.GetNamespace()).Apply(
		ctx, made.GetName(), made, metav1.ApplyOptions{FieldManager: "stand-in", Force: true}, subresources...)
	return err
}

// status merges into an object's status.
func (w *world) status(ctx context.Context, kind schema.GroupVersionResource, of *object, status map[string]any) error {
	patch, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return err
	}
	_, err = w.client.Resource(kind).Namespace(of.GetNamespace()).Patch(
		ctx, of.GetName(), types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}

// tell writes an event about an object.
func (w *world) tell(ctx context.Context, of *object, kind, reason, message string) {
	now := time.Now().UTC().Format(time.RFC3339)
	event := &object{Object: map[string]any{
		"apiVersion": "v1", "kind": "Event",
		"metadata": map[string]any{"generateName": of.GetName() + ".", "namespace": of.GetNamespace()},
		"involvedObject": map[string]any{
			"apiVersion": of.GetAPIVersion(), "kind": of.GetKind(), "name": of.GetName(),
			"namespace": of.GetNamespace(), "uid": string(of.GetUID()),
		},
		"type": kind, "reason": reason, "message": message, "count": int64(1),
		"firstTimestamp": now, "lastTimestamp": now,
		"source": map[string]any{"component": "stand-in"},
	}}
	_, err := w.client.Resource(events).Namespace(of.GetNamespace()).Create(ctx, event, metav1.CreateOptions{})
	report(err)
}

// report says what went wrong and is tried again at the next pass.
func report(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

func text(of *object, path ...string) string {
	found, _, _ := unstructured.NestedString(of.Object, path...)
	return found
}

func list(of map[string]any, path ...string) []any {
	found, _, _ := unstructured.NestedSlice(of, path...)
	return found
}

func mapping(of map[string]any, path ...string) map[string]any {
	found, _, _ := unstructured.NestedMap(of, path...)
	return found
}
