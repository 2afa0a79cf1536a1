package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Annotation by which the operator sees that somebody else changed its Secret.
const dataHash = "reconcile.external-secrets.io/data-hash"

// secretsOperator stands in for External Secrets: it reads entries by the AWS API and writes Secrets
// with exactly those values, when the object's refresh policy says so and at no other time.
type secretsOperator struct {
	world   *world
	manager *secretsManager
	// failures are objects that failed, by namespace and name, with when they are tried again.
	failures map[string]failure
}

type failure struct {
	version string
	times   int
	again   time.Time
}

func (o *secretsOperator) pass(ctx context.Context) time.Duration {
	next := time.Minute
	o.validate(ctx)
	for _, it := range o.world.all(externalSecrets) {
		if it.GetDeletionTimestamp() != nil {
			continue
		}
		due := o.due(it)
		if due > 0 {
			next = min(next, due)
			continue
		}
		if wait := o.refresh(ctx, it); wait > 0 {
			next = min(next, wait)
		}
	}
	return next
}

// validate calls stores ready that name a region; nothing is asked of Secrets Manager for it.
func (o *secretsOperator) validate(ctx context.Context) {
	for _, kind := range []schema.GroupVersionResource{secretStores, clusterSecretStores} {
		for _, it := range o.world.all(kind) {
			value, reason, message := "True", "Valid", "store validated (stand-in)"
			if text(it, "spec", "provider", "aws", "region") == "" {
				value, reason, message = "False", "InvalidProviderConfig", "the store names no region"
			}
			report(o.condition(ctx, kind, it, nil, value, reason, message))
		}
	}
}

// version is what the operator remembers of the object it last synchronised.
func version(it *object) string {
	meta, _ := json.Marshal(map[string]any{"labels": it.GetLabels(), "annotations": it.GetAnnotations()})
	sum := sha256.Sum256(meta)
	return fmt.Sprintf("%d-%s", it.GetGeneration(), hex.EncodeToString(sum[:8]))
}

// due is how long it is until the object is to be refreshed; zero or less means now.
func (o *secretsOperator) due(it *object) time.Duration {
	if failed, ok := o.failures[key(it)]; ok && failed.version == version(it) {
		return time.Until(failed.again)
	}
	if !o.valid(it) {
		return 0
	}
	synced := text(it, "status", "syncedResourceVersion")
	changed := synced != version(it)
	interval := time.Hour
	if written := text(it, "spec", "refreshInterval"); written != "" {
		interval, _ = time.ParseDuration(written)
	}
	policy := text(it, "spec", "refreshPolicy")
	switch {
	case policy == "CreatedOnce" || policy != "OnChange" && interval <= 0:
		// Read once; a changed annotation does not make it read again.
		if synced == "" {
			return 0
		}
		return time.Hour
	case changed:
		return 0
	case policy == "OnChange":
		return time.Hour
	default:
		last, err := time.Parse(time.RFC3339, text(it, "status", "refreshTime"))
		if err != nil {
			return 0
		}
		return time.Until(last.Add(interval))
	}
}

func target(it *object) string {
	if name := text(it, "spec", "target", "name"); name != "" {
		return name
	}
	return it.GetName()
}

// valid tells whether the Secret is there as it was written.
func (o *secretsOperator) valid(it *object) bool {
	secret := o.world.find(secrets, it.GetNamespace(), target(it))
	if secret == nil {
		return text(it, "spec", "target", "creationPolicy") == "None"
	}
	return secret.GetAnnotations()[dataHash] == hash(mapping(secret.Object, "data"))
}

func hash(data map[string]any) string {
	// The keys of a map are sorted when it is written as JSON.
	written, _ := json.Marshal(data)
	sum := sha256.Sum256(written)
	return hex.EncodeToString(sum[:16])
}

func key(it *object) string { return it.GetNamespace() + "/" + it.GetName() }

// refresh reads and writes one; it gives back when to try again after a failure.
func (o *secretsOperator) refresh(ctx context.Context, it *object) time.Duration {
	data, err := o.read(ctx, it)
	if err == nil {
		err = o.write(ctx, it, data)
	}
	if err == nil {
		delete(o.failures, key(it))
		report(o.conclude(ctx, it, "True", "SecretSynced", "secret synced"))
		return 0
	}
	if errors.Is(err, errNoEntry) && text(it, "spec", "target", "deletionPolicy") == "Delete" {
		gone := o.world.client.Resource(secrets).Namespace(it.GetNamespace()).Delete(ctx, target(it), metav1.DeleteOptions{})
		if gone == nil || apierrors.IsNotFound(gone) {
			report(o.conclude(ctx, it, "True", "SecretDeleted", "secret deleted due to DeletionPolicy"))
			return 0
		}
	}
	failed := o.failures[key(it)]
	failed.times++
	failed.version = version(it)
	pause := min(time.Minute, time.Second<<min(failed.times-1, 6))
	failed.again = time.Now().Add(pause)
	o.failures[key(it)] = failed
	o.world.tell(ctx, it, "Warning", "UpdateFailed", "error processing spec.data: "+err.Error())
	report(o.condition(ctx, externalSecrets, it, nil, "False", "SecretSyncedError", "could not get secret data from provider"))
	return pause
}

func (o *secretsOperator) conclude(ctx context.Context, it *object, status, reason, message string) error {
	return o.condition(ctx, externalSecrets, it, map[string]any{
		"refreshTime":           time.Now().UTC().Format(time.RFC3339),
		"syncedResourceVersion": version(it),
		"binding":               map[string]any{"name": target(it)},
	}, status, reason, message)
}

func (o *secretsOperator) condition(
	ctx context.Context, kind schema.GroupVersionResource, it *object, status map[string]any,
	value, reason, message string,
) error {
	since := time.Now().UTC().Format(time.RFC3339)
	for _, one := range list(it.Object, "status", "conditions") {
		old, _ := one.(map[string]any)
		if old["type"] == "Ready" && old["status"] == value {
			since, _ = old["lastTransitionTime"].(string)
			if status == nil && old["reason"] == reason {
				return nil
			}
		}
	}
	if status == nil {
		status = map[string]any{}
	}
	status["conditions"] = []any{map[string]any{
		"type": "Ready", "status": value, "reason": reason, "message": message, "lastTransitionTime": since,
	}}
	return o.world.status(ctx, kind, it, status)
}

// read fetches what the object refers to.
func (o *secretsOperator) read(ctx context.Context, it *object) (map[string]string, error) {
	store, err := o.store(it)
	if err != nil {
		return nil, err
	}
	data := map[string]string{}
	for _, one := range list(it.Object, "spec", "dataFrom") {
		from, _ := one.(map[string]any)
		value, err := o.manager.get(ctx, store, mapping(from, "extract"))
		if err != nil {
			return nil, err
		}
		var pairs map[string]any
		if err = json.Unmarshal([]byte(value), &pairs); err != nil {
			return nil, fmt.Errorf("the entry is no JSON object: %w", err)
		}
		for name, pair := range pairs {
			data[name] = plain(pair)
		}
	}
	for _, one := range list(it.Object, "spec", "data") {
		entry, _ := one.(map[string]any)
		reference := mapping(entry, "remoteRef")
		value, err := o.manager.get(ctx, store, reference)
		if err != nil {
			return nil, err
		}
		if property, _ := reference["property"].(string); property != "" {
			var pairs map[string]any
			if err = json.Unmarshal([]byte(value), &pairs); err != nil {
				return nil, fmt.Errorf("the entry is no JSON object: %w", err)
			}
			pair, ok := pairs[property]
			if !ok {
				return nil, fmt.Errorf("key %s does not exist in secret %v", property, reference["key"])
			}
			value = plain(pair)
		}
		name, _ := entry["secretKey"].(string)
		data[name] = value
	}
	return data, nil
}

func plain(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	written, _ := json.Marshal(value)
	return string(written)
}

func (o *secretsOperator) store(it *object) (store, error) {
	name := text(it, "spec", "secretStoreRef", "name")
	found := o.world.find(clusterSecretStores, "", name)
	if text(it, "spec", "secretStoreRef", "kind") == "SecretStore" {
		found = o.world.find(secretStores, it.GetNamespace(), name)
	}
	if found == nil {
		return store{}, fmt.Errorf("could not get the store %q", name)
	}
	return store{
		region: text(found, "spec", "provider", "aws", "region"),
		prefix: text(found, "spec", "provider", "aws", "prefix"),
	}, nil
}

func (o *secretsOperator) write(ctx context.Context, it *object, values map[string]string) error {
	data := map[string]any{}
	for name, value := range values {
		data[name] = base64.StdEncoding.EncodeToString([]byte(value))
	}
	annotations := map[string]any{dataHash: hash(data)}
	labels := map[string]any{"reconcile.external-secrets.io/managed": "true", standIn: "external-secrets"}
	template := mapping(it.Object, "spec", "target", "template", "metadata")
	maps.Copy(annotations, mapping(template, "annotations"))
	maps.Copy(labels, mapping(template, "labels"))
	metadata := map[string]any{
		"name": target(it), "namespace": it.GetNamespace(), "annotations": annotations, "labels": labels,
	}
	if policy := text(it, "spec", "target", "creationPolicy"); policy == "" || policy == "Owner" {
		metadata["ownerReferences"] = []any{map[string]any{
			"apiVersion": it.GetAPIVersion(), "kind": it.GetKind(), "name": it.GetName(),
			"uid": string(it.GetUID()), "controller": true, "blockOwnerDeletion": true,
		}}
	}
	return o.world.apply(ctx, secrets, map[string]any{
		"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata, "data": data,
	})
}
