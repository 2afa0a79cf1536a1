package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The class whose objects are this controller's.
const ingressClass = "apisix"

// ingressController stands in for the APISIX ingress controller: any change makes it translate
// everything once more and push the whole state to each replica of the gateway, one after the other.
// A push that fails leaves the later replicas with the old state and is repeated, ever more slowly.
type ingressController struct {
	world    *world
	replicas []string
	revision int64
	last     string
	failures int
}

func (c *ingressController) pass(ctx context.Context) time.Duration {
	next := state{Keys: map[string]string{}}
	for _, consumer := range c.world.all(consumers) {
		c.consumer(consumer, &next)
	}
	for _, route := range c.world.all(routes) {
		c.route(ctx, route, &next)
	}
	slices.SortFunc(next.Rules, func(a, b rule) int { return strings.Compare(a.Name, b.Name) })
	written, err := json.Marshal(next)
	if err != nil {
		report(err)
		return time.Second
	}
	if string(written) == c.last && c.failures == 0 {
		return time.Minute
	}
	if string(written) != c.last {
		c.revision++
	}
	c.last = string(written)
	next.Revision = c.revision
	if err = c.push(ctx, next); err != nil {
		pause := min(time.Minute, time.Second<<min(c.failures, 6))
		c.failures++
		fmt.Printf("the push of revision %d failed (%v); again after %s\n", next.Revision, err, pause)
		return pause
	}
	c.failures = 0
	return time.Minute
}

func (c *ingressController) push(ctx context.Context, next state) error {
	body, err := json.Marshal(next)
	if err != nil {
		return err
	}
	for _, replica := range c.replicas {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		request, err := http.NewRequestWithContext(attempt, http.MethodPut, replica+"/state", bytes.NewReader(body))
		if err != nil {
			cancel()
			return err
		}
		response, err := http.DefaultClient.Do(request)
		cancel()
		if err != nil {
			return err
		}
		response.Body.Close()
		if response.StatusCode != http.StatusNoContent {
			return fmt.Errorf("%s answers %s", replica, response.Status)
		}
	}
	return nil
}

// ours tells whether an object is of this controller's class; one that names none is the default's.
func ours(it *object) bool {
	class := text(it, "spec", "ingressClassName")
	return it.GetDeletionTimestamp() == nil && (class == "" || class == ingressClass)
}

// consumer takes up a consumer's key; one whose Secret is not there yet has none.
func (c *ingressController) consumer(it *object, into *state) {
	if !ours(it) {
		return
	}
	value := text(it, "spec", "authParameter", "keyAuth", "value", "key")
	if name := text(it, "spec", "authParameter", "keyAuth", "secretRef", "name"); name != "" {
		secret := c.world.find(secrets, it.GetNamespace(), name)
		if secret == nil {
			return
		}
		raw, err := base64.StdEncoding.DecodeString(text(secret, "data", "key"))
		if err != nil {
			return
		}
		value = string(raw)
	}
	if value != "" {
		into.Keys[value] = it.GetNamespace() + "_" + it.GetName()
	}
}

func (c *ingressController) route(ctx context.Context, it *object, into *state) {
	if !ours(it) {
		return
	}
	status, reason, message := "True", "ResourcesAvailable", "Sync Successfully (stand-in)"
	for _, one := range list(it.Object, "spec", "http") {
		written, _ := one.(map[string]any)
		made, err := c.rule(it, written)
		if err != nil {
			status, reason, message = "False", "ResourceSyncAborted", err.Error()
			continue
		}
		into.Rules = append(into.Rules, made)
	}
	c.conclude(ctx, it, status, reason, message)
}

func (c *ingressController) rule(it *object, written map[string]any) (rule, error) {
	name, _ := written["name"].(string)
	match := mapping(written, "match")
	made := rule{
		Name: it.GetNamespace() + "_" + it.GetName() + "_" + name, Plugins: map[string]map[string]any{},
		Hosts: texts(match["hosts"]), Paths: texts(match["paths"]), Methods: texts(match["methods"]),
	}
	made.Priority, _ = written["priority"].(int64)
	if config, _ := written["plugin_config_name"].(string); config != "" {
		found := c.world.find(pluginConfigs, it.GetNamespace(), config)
		if found == nil {
			return made, fmt.Errorf("rule %s: the ApisixPluginConfig %s is not there", name, config)
		}
		plugins(list(found.Object, "spec", "plugins"), made.Plugins)
	}
	plugins(list(written, "plugins"), made.Plugins)
	for _, one := range list(written, "backends") {
		to, _ := one.(map[string]any)
		service, _ := to["serviceName"].(string)
		port, _ := to["servicePort"].(int64)
		made.Backend = c.backend(it.GetNamespace(), service, port)
	}
	return made, nil
}

func plugins(written []any, into map[string]map[string]any) {
	for _, one := range written {
		plugin, _ := one.(map[string]any)
		name, _ := plugin["name"].(string)
		if on, _ := plugin["enable"].(bool); on {
			into[name] = mapping(plugin, "config")
		}
	}
}

func texts(written any) []string {
	var all []string
	values, _ := written.([]any)
	for _, value := range values {
		if text, ok := value.(string); ok {
			all = append(all, text)
		}
	}
	return all
}

// backend counts the ready endpoints of a service; what they run is read off one pod's image.
func (c *ingressController) backend(namespace, service string, port int64) backend {
	found := backend{Service: service, Port: port}
	for _, slice := range c.world.all(endpointSlices) {
		if slice.GetNamespace() != namespace || slice.GetLabels()["kubernetes.io/service-name"] != service {
			continue
		}
		for _, one := range list(slice.Object, "endpoints") {
			endpoint, _ := one.(map[string]any)
			if ready, _ := mapping(endpoint, "conditions")["ready"].(bool); !ready {
				continue
			}
			found.Ready++
			pod, _ := mapping(endpoint, "targetRef")["name"].(string)
			if it := c.world.find(pods, namespace, pod); it != nil {
				found.Version = versionOf(it)
			}
		}
	}
	return found
}

// versionOf is the tag of a pod's first image.
func versionOf(pod *object) string {
	for _, one := range list(pod.Object, "spec", "containers") {
		container, _ := one.(map[string]any)
		image, _ := container["image"].(string)
		if at := strings.LastIndex(image, ":"); at >= 0 {
			return image[at+1:]
		}
	}
	return ""
}

// conclude writes the condition of a route when it says something new.
func (c *ingressController) conclude(ctx context.Context, it *object, status, reason, message string) {
	for _, one := range list(it.Object, "status", "conditions") {
		old, _ := one.(map[string]any)
		if old["status"] == status && old["message"] == message {
			return
		}
	}
	report(c.world.status(ctx, routes, it, map[string]any{"conditions": []any{map[string]any{
		"type": "ResourcesAvailable", "status": status, "reason": reason, "message": message,
		"lastTransitionTime": time.Now().UTC().Format(time.RFC3339), "observedGeneration": it.GetGeneration(),
	}}}))
}
