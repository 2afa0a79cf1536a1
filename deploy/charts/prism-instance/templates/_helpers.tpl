{{- define "prism.namespace" -}}prism{{ .Values.instance.id }}{{- end }}

{{- define "prism.check" -}}
{{- if ne .Release.Name (include "prism.namespace" .) -}}
{{- fail (printf "The release must be called %s: consumer names at the gateway follow from it." (include "prism.namespace" .)) -}}
{{- end -}}
{{- if ne .Release.Namespace .Release.Name -}}
{{- fail "The namespace must have the name of the release." -}}
{{- end -}}
{{- if and (eq .Values.release.registry "neoprism") (semverCompare "<2.2.0" .Values.release.version) -}}
{{- fail (printf "Release %s cannot speak to NeoPRISM; the first that can is 2.2.0." .Values.release.version) -}}
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

{{- /* Labels of pods: the log shipper makes them labels of the log lines in Loki. */ -}}
{{- define "prism.podLabels" -}}
{{ include "prism.labels" . }}
hosted-instances.io/purpose: {{ .root.Values.instance.purpose }}
hosted-instances.io/release: {{ .root.Values.release.version | quote }}
{{- end }}

{{- define "prism.selector" -}}
app.kubernetes.io/instance: {{ include "prism.namespace" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- /* First segments of paths at the gateway. Up to 1.38 clients were given /prism-agent. */ -}}
{{- define "prism.segments" -}}
{{- if semverCompare "<1.39.0" .Values.release.version -}}cloud-agent prism-agent{{- else -}}cloud-agent{{- end -}}
{{- end }}

{{- define "prism.databaseHost" -}}prism-postgres.{{ .Release.Namespace }}.svc{{- end }}

{{- /* Name of the Secret that the Postgres operator makes for a role. */ -}}
{{- define "prism.roleSecret" -}}
{{ .role | replace "_" "-" }}.prism-postgres.credentials.postgresql.acid.zalan.do
{{- end }}

{{- define "prism.monitored" -}}
{{- $how := .Values.monitoring.enabled -}}
{{- if or (eq $how "always") (and (eq $how "auto") (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1/PodMonitor")) -}}yes{{- end -}}
{{- end }}

{{- /* What every pod of ours has; no service account token, no name of other services in it. */ -}}
{{- define "prism.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: 60
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .root.Values.runAs.user }}
  runAsGroup: {{ .root.Values.runAs.group }}
  fsGroup: {{ .root.Values.runAs.user }}
  seccompProfile: {type: RuntimeDefault}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: topology.kubernetes.io/zone
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "prism.selector" . | nindent 8 }}
volumes:
  - {name: tmp, emptyDir: {}}
{{- end }}

{{- /* What every container of ours has. What it wrote last becomes its last words, so that the cause of
       a failed migration is said by the pod itself. */ -}}
{{- define "prism.container" -}}
imagePullPolicy: {{ .Values.imagePullPolicy }}
terminationMessagePolicy: FallbackToLogsOnError
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
{{- end }}

{{- /* One migrator at a time: the old pod ends before the new one begins, and Flyway locks among pods of
       one version. The deadline leaves the migrations their time, so that a long one is not taken for a
       failure. */ -}}
{{- define "prism.rollout" -}}
strategy: {type: Recreate}
revisionHistoryLimit: 2
progressDeadlineSeconds: {{ add (mul 10 (int .Values.agent.startup.attempts)) 300 }}
{{- end }}

{{- define "prism.httpProbes" -}}
startupProbe:
  httpGet: {path: /_system/health, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: {{ .Values.agent.startup.attempts }}
livenessProbe:
  httpGet: {path: /_system/health, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: {{ .Values.agent.liveness.failures }}
readinessProbe:
  httpGet: {path: /_system/health, port: http}
  periodSeconds: 5
  timeoutSeconds: 5
{{- end }}

{{- /* A variable from a key of a Secret: name, secret, key. */ -}}
{{- define "prism.fromSecret" -}}
- name: {{ .name }}
  valueFrom: {secretKeyRef: {name: {{ .secret }}, key: {{ .key }}}}
{{- end }}

{{- /* A database as a service knows it: the role that migrates it and the role that works in it. */ -}}
{{- define "prism.databaseEnv" -}}
{{- $root := .root -}}
{{- $admin := include "prism.roleSecret" (dict "role" (printf "%s-admin" .role)) -}}
{{- $user := include "prism.roleSecret" (dict "role" .user) -}}
- {name: {{ .prefix }}_DB_HOST, value: {{ include "prism.databaseHost" $root | quote }}}
- {name: {{ .prefix }}_DB_PORT, value: "5432"}
- {name: {{ .prefix }}_DB_NAME, value: {{ .database | quote }}}
{{ include "prism.fromSecret" (dict "name" (printf "%s_DB_USER" .prefix) "secret" $admin "key" "username") }}
{{ include "prism.fromSecret" (dict "name" (printf "%s_DB_PASSWORD" .prefix) "secret" $admin "key" "password") }}
{{ include "prism.fromSecret" (dict "name" (printf "%s_DB_APP_USER" .prefix) "secret" $user "key" "username") }}
{{ include "prism.fromSecret" (dict "name" (printf "%s_DB_APP_PASSWORD" .prefix) "secret" $user "key" "password") }}
{{- end }}

{{- /* Environment from values: plain ones, and entries that arrive in the Secret `<name>-environment`. */ -}}
{{- define "prism.extraEnv" -}}
{{- range $name, $value := .values.env }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- $secret := printf "%s-environment" .name }}
{{- range $name, $from := .values.secretEnv }}
{{ include "prism.fromSecret" (dict "name" $name "secret" $secret "key" $name) }}
{{- end }}
{{- end }}
