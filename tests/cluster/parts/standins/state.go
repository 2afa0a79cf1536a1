package main

// state is all that a gateway is told at once. It replaces what was there before, whole.
type state struct {
	// Revision counts the states of one ingress controller; it only serves people who look.
	Revision int64 `json:"revision"`
	// Keys are the consumers' keys: one space for everybody, as it is in APISIX.
	Keys map[string]string `json:"keys"`
	// Rules are tried by priority, then by the length of the path.
	Rules []rule `json:"rules"`
}

// rule is one rule of one ApisixRoute with everything it refers to resolved.
type rule struct {
	Name     string   `json:"name"`
	Priority int64    `json:"priority"`
	Hosts    []string `json:"hosts"`
	Paths    []string `json:"paths"`
	Methods  []string `json:"methods,omitempty"`
	// Plugins by name, those of the plugin config and then the rule's own.
	Plugins map[string]map[string]any `json:"plugins"`
	Backend backend                   `json:"backend"`
}

// backend is what answers behind a rule: ready agents and the version they say they are.
type backend struct {
	Service string `json:"service"`
	Port    int64  `json:"port"`
	Ready   int    `json:"ready"`
	Version string `json:"version"`
}
