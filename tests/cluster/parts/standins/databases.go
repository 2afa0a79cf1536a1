package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// databaseOperator stands in for the Zalando Postgres operator, and for whatever makes volumes: the
// status word of a cluster, the Secret of each role, a StatefulSet whose pods kwok plays.
type databaseOperator struct {
	world *world
	// seen are the clusters of the last pass with their uids, since the operator learns of a deletion
	// only by the object being gone.
	seen map[string]string
}

func (o *databaseOperator) pass(ctx context.Context) time.Duration {
	now := map[string]string{}
	for _, it := range o.world.all(postgresqls) {
		now[key(it)] = string(it.GetUID())
		if it.GetDeletionTimestamp() == nil {
			report(o.reconcile(ctx, it))
		}
	}
	for gone, uid := range o.seen {
		if now[gone] != uid {
			report(o.remove(ctx, gone))
		}
	}
	o.seen = now
	o.provision(ctx)
	return time.Minute
}

func (o *databaseOperator) reconcile(ctx context.Context, it *object) error {
	word := text(it, "status", "PostgresClusterStatus")
	if text(it, "spec", "teamId") == "" {
		return o.say(ctx, it, word, "Invalid")
	}
	if word == "" {
		if err := o.say(ctx, it, word, "Creating"); err != nil {
			return err
		}
		word = "Creating"
	}
	if err := o.credentials(ctx, it); err != nil {
		return err
	}
	if err := o.pods(ctx, it); err != nil {
		return err
	}
	set := o.world.find(statefulSets, it.GetNamespace(), it.GetName())
	if set == nil {
		return nil
	}
	wanted, _ := mapping(it.Object, "spec")["numberOfInstances"].(int64)
	status := mapping(set.Object, "status")
	ready, _ := status["readyReplicas"].(int64)
	observed, _ := status["observedGeneration"].(int64)
	settled := ready == wanted && observed == set.GetGeneration() &&
		set.GetAnnotations()[generation] == fmt.Sprint(it.GetGeneration())
	switch {
	case settled:
		return o.say(ctx, it, word, "Running")
	case word == "Running":
		return o.say(ctx, it, word, "Updating")
	default:
		return nil
	}
}

// Annotation on the StatefulSet with the generation of the object it was made from.
const generation = "hosted-instances.test/generation"

func (o *databaseOperator) say(ctx context.Context, it *object, was, word string) error {
	if was == word {
		return nil
	}
	return o.world.status(ctx, postgresqls, it, map[string]any{"PostgresClusterStatus": word})
}

// credentials makes the Secret of each role that has none; passwords never change.
func (o *databaseOperator) credentials(ctx context.Context, it *object) error {
	roles := []string{"postgres", "standby"}
	for role := range mapping(it.Object, "spec", "users") {
		roles = append(roles, role)
	}
	for _, role := range roles {
		name := fmt.Sprintf("%s.%s.credentials.postgresql.acid.zalan.do", strings.ReplaceAll(role, "_", "-"), it.GetName())
		if o.world.find(secrets, it.GetNamespace(), name) != nil {
			continue
		}
		secret := &object{Object: map[string]any{
			"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
			"metadata": map[string]any{
				"name": name, "namespace": it.GetNamespace(), "labels": labelsOf(it),
			},
			"data": map[string]any{
				"username": base64.StdEncoding.EncodeToString([]byte(role)),
				"password": base64.StdEncoding.EncodeToString([]byte(rand.Text())),
			},
		}}
		_, err := o.world.client.Resource(secrets).Namespace(it.GetNamespace()).Create(ctx, secret, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	return nil
}

func labelsOf(it *object) map[string]any {
	return map[string]any{
		"application": "spilo", "cluster-name": it.GetName(), "team": text(it, "spec", "teamId"),
		standIn: "postgres-operator",
	}
}

// pods makes the StatefulSet and the services, as the operator lays them out.
func (o *databaseOperator) pods(ctx context.Context, it *object) error {
	set := o.world.find(statefulSets, it.GetNamespace(), it.GetName())
	if set != nil && set.GetAnnotations()[generation] == fmt.Sprint(it.GetGeneration()) {
		return nil
	}
	spec := mapping(it.Object, "spec")
	wanted, _ := spec["numberOfInstances"].(int64)
	size := text(it, "spec", "volume", "size")
	version := text(it, "spec", "postgresql", "version")
	labels := labelsOf(it)
	for _, service := range []string{it.GetName(), it.GetName() + "-repl"} {
		if err := o.world.apply(ctx, services, map[string]any{
			"apiVersion": "v1", "kind": "Service",
			"metadata": map[string]any{"name": service, "namespace": it.GetNamespace(), "labels": labels},
			"spec": map[string]any{
				"selector": labels, "ports": []any{map[string]any{"name": "postgresql", "port": int64(5432), "protocol": "TCP"}},
			},
		}); err != nil {
			return err
		}
	}
	return o.world.apply(ctx, statefulSets, map[string]any{
		"apiVersion": "apps/v1", "kind": "StatefulSet",
		"metadata": map[string]any{
			"name": it.GetName(), "namespace": it.GetNamespace(), "labels": labels,
			"annotations": map[string]any{generation: fmt.Sprint(it.GetGeneration())},
		},
		"spec": map[string]any{
			"replicas": wanted, "serviceName": it.GetName(), "podManagementPolicy": "OrderedReady",
			"selector": map[string]any{"matchLabels": labels},
			"template": map[string]any{
				"metadata": map[string]any{"labels": labels},
				"spec":     podOf(version, mapping(spec, "resources")),
			},
			"volumeClaimTemplates": []any{map[string]any{
				"metadata": map[string]any{"name": "pgdata", "labels": labels},
				"spec": map[string]any{
					"accessModes": []any{"ReadWriteOnce"},
					"resources":   map[string]any{"requests": map[string]any{"storage": size}},
				},
			}},
		},
	})
}

// podOf is a pod that the strictest Pod Security admits.
func podOf(version string, resources map[string]any) map[string]any {
	return map[string]any{
		"automountServiceAccountToken": false,
		"securityContext": map[string]any{
			"runAsNonRoot": true, "runAsUser": int64(101), "fsGroup": int64(103),
			"seccompProfile": map[string]any{"type": "RuntimeDefault"},
		},
		"containers": []any{map[string]any{
			"name": "postgres", "image": "stand-in/spilo:" + version, "resources": resources,
			"securityContext": map[string]any{
				"allowPrivilegeEscalation": false, "capabilities": map[string]any{"drop": []any{"ALL"}},
			},
			"volumeMounts": []any{map[string]any{"name": "pgdata", "mountPath": "/pgdata"}},
		}},
	}
}

// remove takes away what was made for a cluster that is gone, volumes included.
func (o *databaseOperator) remove(ctx context.Context, gone string) error {
	namespace, name, _ := strings.Cut(gone, "/")
	fmt.Printf("%s is gone: its pods, volumes and credentials go as well\n", gone)
	selected := metav1.ListOptions{LabelSelector: standIn + "=postgres-operator,cluster-name=" + name}
	background := metav1.DeletePropagationBackground
	how := metav1.DeleteOptions{PropagationPolicy: &background}
	for _, kind := range []schema.GroupVersionResource{statefulSets, secrets, claims} {
		err := o.world.client.Resource(kind).Namespace(namespace).DeleteCollection(ctx, how, selected)
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	for _, service := range []string{name, name + "-repl"} {
		err := o.world.client.Resource(services).Namespace(namespace).Delete(ctx, service, how)
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}

// provision makes a volume for every claim of the default class that waits for one, and takes away
// volumes whose claim is gone.
func (o *databaseOperator) provision(ctx context.Context) {
	for _, claim := range o.world.all(claims) {
		name := "volume-" + string(claim.GetUID())
		if text(claim, "spec", "storageClassName") != "standard" || text(claim, "status", "phase") != "Pending" ||
			claim.GetDeletionTimestamp() != nil || o.world.find(volumes, "", name) != nil {
			continue
		}
		report(o.world.apply(ctx, volumes, map[string]any{
			"apiVersion": "v1", "kind": "PersistentVolume",
			"metadata": map[string]any{"name": name, "labels": map[string]any{standIn: "volumes"}},
			"spec": map[string]any{
				"storageClassName":              "standard",
				"capacity":                      map[string]any{"storage": text(claim, "spec", "resources", "requests", "storage")},
				"accessModes":                   []any{"ReadWriteOnce"},
				"persistentVolumeReclaimPolicy": "Retain",
				"hostPath":                      map[string]any{"path": "/nowhere/" + name},
				"claimRef": map[string]any{
					"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": claim.GetNamespace(),
					"name": claim.GetName(), "uid": string(claim.GetUID()),
				},
			},
		}))
	}
	for _, volume := range o.world.all(volumes) {
		if volume.GetLabels()[standIn] == "volumes" && text(volume, "status", "phase") == "Released" {
			err := o.world.client.Resource(volumes).Delete(ctx, volume.GetName(), metav1.DeleteOptions{})
			if err != nil && !apierrors.IsNotFound(err) {
				report(err)
			}
		}
	}
}
