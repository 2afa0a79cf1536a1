{{- define "prism.namespace" -}}prism{{ .Values.instance.id }}{{- end }}

{{- define "prism.check" -}}
{{- if ne .Release.Name (include "prism.namespace" .) -}}
{{- fail (printf "The release must be called %s: consumer names at the gateway follow from it." (include "prism.namespace" .)) -}}
{{- end -}}
{{- if ne .Release.Namespace .Release.Name -}}
{{- fail "The namespace must have the name of the release." -}}
{{- end -}}
{{- end }}

{{- define "prism.labels" -}}
app.kubernetes.io/instance: {{ include "prism.namespace" .root }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/part-of: prism-instance
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
hosted-instances.io/instance: {{ .root.Values.instance.id }}
{{- with .root.Values.instance.tenant }}
hosted-instances.io/tenant: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "prism.selector" -}}
app.kubernetes.io/instance: {{ include "prism.namespace" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "prism.databaseHost" -}}prism-postgres.{{ .Release.Namespace }}.svc{{- end }}

{{- /* Name of the Secret that the Postgres operator makes for a role. */ -}}
{{- define "prism.roleSecret" -}}
{{ .role | replace "_" "-" }}.prism-postgres.credentials.postgresql.acid.zalan.do
{{- end }}

{{- define "prism.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "prism.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "prism.spread" -}}
- maxSkew: 1
  topologyKey: topology.kubernetes.io/zone
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels: {{- include "prism.selector" . | nindent 6 }}
{{- end }}

{{- define "prism.databaseEnv" -}}
{{- $root := .root -}}
{{- range .databases }}
{{- $prefix := upper . }}
- {name: {{ $prefix }}_DB_HOST, value: {{ include "prism.databaseHost" $root | quote }}}
- {name: {{ $prefix }}_DB_PORT, value: "5432"}
- {name: {{ $prefix }}_DB_NAME, value: {{ . | quote }}}
- name: {{ $prefix }}_DB_USER
  valueFrom: {secretKeyRef: {name: {{ include "prism.roleSecret" (dict "role" (printf "%s-admin" .)) }}, key: username}}
- name: {{ $prefix }}_DB_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ include "prism.roleSecret" (dict "role" (printf "%s-admin" .)) }}, key: password}}
- name: {{ $prefix }}_DB_APP_USER
  valueFrom: {secretKeyRef: {name: {{ include "prism.roleSecret" (dict "role" (printf "%s-application-user" .)) }}, key: username}}
- name: {{ $prefix }}_DB_APP_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ include "prism.roleSecret" (dict "role" (printf "%s-application-user" .)) }}, key: password}}
{{- end }}
{{- end }}

{{- define "prism.extraEnv" -}}
{{- range $name, $value := . }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}
