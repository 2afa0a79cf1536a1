package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
)

const manager = "test-cluster"

// Plural names of the kinds in the objects folder that do not simply take an s.
var plurals = map[string]string{
	"StorageClass": "storageclasses", "IngressClass": "ingressclasses",
}

// Kinds without a namespace.
var global = map[string]bool{
	"Namespace": true, "Node": true, "StorageClass": true, "IngressClass": true,
	"ClusterIssuer": true, "ClusterSecretStore": true, "CustomResourceDefinition": true,
	"ClusterRole": true, "ClusterRoleBinding": true,
}

// define applies the definitions of custom resources and waits until they are served.
func (c *Cluster) define(ctx context.Context) error {
	definitions, err := read(c.site.options.Definitions, nil)
	if err != nil {
		return err
	}
	client, err := dynamic.NewForConfig(c.admin)
	if err != nil {
		return err
	}
	for _, definition := range definitions {
		if err = apply(ctx, client, definition); err != nil {
			return err
		}
	}
	resource := client.Resource(schema.GroupVersionResource{
		Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions",
	})
	for _, definition := range definitions {
		if err = established(ctx, resource, definition.GetName()); err != nil {
			return err
		}
	}
	return nil
}

func established(ctx context.Context, all dynamic.ResourceInterface, name string) error {
	return repeat(ctx, func() error {
		found, err := all.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		text, err := found.MarshalJSON()
		if err != nil {
			return err
		}
		return conditionTrue(text, "Established")
	})
}

// applyObjects applies what an operator of the cluster would have set up once.
func (c *Cluster) applyObjects(ctx context.Context) error {
	objects, err := read(filepath.Join(c.site.options.Objects, "cluster"), map[string]string{
		"REGION":          c.region,
		"GIT":             local(c.site.git),
		"SECRETS_MANAGER": local(c.site.secrets),
	})
	if err != nil {
		return err
	}
	client, err := dynamic.NewForConfig(c.admin)
	if err != nil {
		return err
	}
	for _, object := range objects {
		// A definition that is established may still be unknown to the part that serves it.
		err = repeat(ctx, func() error { return apply(ctx, client, object) })
		if err != nil {
			return fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	return nil
}

func apply(ctx context.Context, client dynamic.Interface, object *unstructured.Unstructured) error {
	kind := object.GroupVersionKind()
	plural, irregular := plurals[kind.Kind]
	if !irregular {
		plural = strings.ToLower(kind.Kind) + "s"
	}
	all := client.Resource(kind.GroupVersion().WithResource(plural))
	var where dynamic.ResourceInterface = all
	if !global[kind.Kind] {
		where = all.Namespace(object.GetNamespace())
	}
	_, err := where.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{
		FieldManager: manager, Force: true,
	})
	return err
}

// repeat tries again for a while as long as the answer is that something is not there yet.
func repeat(ctx context.Context, attempt func() error) error {
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := attempt()
		if err == nil || time.Now().After(deadline) || apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(glance):
		}
	}
}

// read reads every object of a folder's YAML files, by the names of the files, with ${NAME}
// replaced.
func read(folder string, values map[string]string) ([]*unstructured.Unstructured, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no YAML file is in %s", folder)
	}
	sort.Strings(files)
	var objects []*unstructured.Unstructured
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for name, value := range values {
			text = bytes.ReplaceAll(text, []byte("${"+name+"}"), []byte(value))
		}
		decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 1<<20)
		for {
			object := &unstructured.Unstructured{}
			if err = decoder.Decode(object); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			if len(object.Object) > 0 && object.GetKind() != "" && object.GetKind() != "Kustomization" {
				objects = append(objects, object)
			}
		}
	}
	return objects, nil
}

// conditionTrue tells whether an object's condition is true.
func conditionTrue(text []byte, kind string) error {
	var object struct {
		Status struct {
			Conditions []struct{ Type, Status string }
		}
	}
	if err := json.Unmarshal(text, &object); err != nil {
		return err
	}
	for _, condition := range object.Status.Conditions {
		if condition.Type == kind && condition.Status == "True" {
			return nil
		}
	}
	return errors.New("not " + kind)
}
