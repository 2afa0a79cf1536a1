package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"sort"
	"strings"
)

// answer is what a worker answers, by its own copy of the state and by nothing else. The order of the
// plugins is APISIX's: authentication, then the restriction, then the upstream; the filters of headers
// run on every answer of a matched route, refusals included.
func answer(out http.ResponseWriter, request *http.Request) {
	it, _ := request.Context().Value(workerKey{}).(*worker)
	out.Header().Set("Server", "APISIX stand-in")
	config := it.state.Load()
	if config == nil {
		refuse(out, http.StatusNotFound, "error_msg", "404 Route Not Found")
		return
	}
	matched := match(config, request)
	if matched == nil {
		refuse(out, http.StatusNotFound, "error_msg", "404 Route Not Found")
		return
	}
	rewrite(out, it, matched)
	if _, keyed := matched.Plugins["key-auth"]; keyed {
		key := request.Header.Get("apikey")
		if key == "" {
			key = request.URL.Query().Get("apikey")
		}
		if key == "" {
			refuse(out, http.StatusUnauthorized, "message", "Missing API key in request")
			return
		}
		consumer, known := config.Keys[key]
		if !known {
			refuse(out, http.StatusUnauthorized, "message", "Invalid API key in request")
			return
		}
		if !admitted(matched, consumer) {
			refuse(out, http.StatusForbidden, "message", "The consumer_name is forbidden.")
			return
		}
		if hide, _ := matched.Plugins["key-auth"]["hide_credentials"].(bool); hide {
			request.Header.Del("apikey")
		}
	}
	upstream(out, request, matched)
}

func refuse(out http.ResponseWriter, status int, name, message string) {
	out.Header().Set("Content-Type", "application/json")
	out.WriteHeader(status)
	report(json.NewEncoder(out).Encode(map[string]string{name: message}))
}

// match finds the rule for a request: the highest priority, then the longest path.
func match(config *state, request *http.Request) *rule {
	host := strings.ToLower(request.Host)
	if at := strings.LastIndex(host, ":"); at >= 0 {
		host = host[:at]
	}
	var found *rule
	longest := -1
	for number := range config.Rules {
		one := &config.Rules[number]
		if !slices.Contains(one.Hosts, host) ||
			len(one.Methods) > 0 && !slices.Contains(one.Methods, request.Method) {
			continue
		}
		for _, path := range one.Paths {
			fits := path == request.URL.Path
			if prefix, open := strings.CutSuffix(path, "*"); open {
				fits = strings.HasPrefix(request.URL.Path, prefix)
			}
			better := found == nil || one.Priority > found.Priority ||
				one.Priority == found.Priority && len(path) > longest
			if fits && better {
				found, longest = one, len(path)
			}
		}
	}
	return found
}

// rewrite sets the headers that response-rewrite asks for, with the worker's number in place of $pid.
func rewrite(out http.ResponseWriter, it *worker, matched *rule) {
	headers := mapping(matched.Plugins["response-rewrite"], "headers", "set")
	for name, value := range headers {
		text := strings.ReplaceAll(fmt.Sprint(value), "$pid", fmt.Sprint(it.pid))
		out.Header().Set(name, text)
	}
}

// admitted tells whether the whitelist names the consumer; without the plugin everybody is, which is
// how APISIX lets one tenant's key open another's door.
func admitted(matched *rule, consumer string) bool {
	restriction, there := matched.Plugins["consumer-restriction"]
	if !there {
		return true
	}
	allowed := list(restriction, "whitelist")
	return slices.ContainsFunc(allowed, func(name any) bool { return name == consumer })
}

// upstream plays the agent behind the rule: it says its version on the health path, and elsewhere
// which request it saw.
func upstream(out http.ResponseWriter, request *http.Request, matched *rule) {
	if to, there := matched.Plugins["redirect"]["uri"].(string); there {
		out.Header().Set("Location", to)
		out.WriteHeader(http.StatusFound)
		return
	}
	path := request.URL.Path
	if pair := list(matched.Plugins["proxy-rewrite"], "regex_uri"); len(pair) == 2 {
		if pattern, err := regexp.Compile(fmt.Sprint(pair[0])); err == nil {
			path = pattern.ReplaceAllString(path, fmt.Sprint(pair[1]))
		}
	}
	for _, rule := range list(matched.Plugins["uri-blocker"], "block_rules") {
		if pattern, err := regexp.Compile(fmt.Sprint(rule)); err == nil && pattern.MatchString(path) {
			out.WriteHeader(http.StatusNotFound)
			return
		}
	}
	if matched.Backend.Ready == 0 {
		refuse(out, http.StatusServiceUnavailable, "error_msg", "no upstream is ready")
		return
	}
	out.Header().Set("Content-Type", "application/json")
	if path == "/_system/health" {
		report(json.NewEncoder(out).Encode(map[string]string{"version": matched.Backend.Version}))
		return
	}
	var names []string
	for name := range request.Header {
		names = append(names, strings.ToLower(name))
	}
	sort.Strings(names)
	report(json.NewEncoder(out).Encode(map[string]any{
		"agent": "stand-in", "path": path, "method": request.Method, "headers": names,
	}))
}
