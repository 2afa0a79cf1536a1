{{- define "control.labels" -}}
app.kubernetes.io/name: control-plane
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "control.selector" -}}
app.kubernetes.io/name: control-plane
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: server
{{- end }}

{{- define "control.image" -}}
{{ required "image.repository names where the image was pushed" .Values.image.repository }}:{{ .Values.image.tag | default .Chart.Version }}
{{- end }}

{{- define "control.monitored" -}}
{{- $how := .Values.monitoring.enabled -}}
{{- if or (eq $how "always") (and (eq $how "auto") (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1/ServiceMonitor")) -}}yes{{- end -}}
{{- end }}

{{- define "control.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "control.container" -}}
image: {{ include "control.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
terminationMessagePolicy: FallbackToLogsOnError
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- /* What every command needs: where the configuration is, and the secrets that are no settings. */ -}}
{{- define "control.env" -}}
- {name: HOSTED_INSTANCES_CONFIG, value: /etc/hosted-instances/config.toml}
{{- if eq .Values.database.mode "operator" }}
{{- range $name, $key := dict "DATABASE_USER" "username" "DATABASE_PASSWORD" "password" }}
- name: {{ $name }}
  valueFrom: {secretKeyRef: {name: control-plane.control-plane-postgres.credentials.postgresql.acid.zalan.do, key: {{ $key }}}}
{{- end }}
- {name: HOSTED_INSTANCES_DATABASE__URL, value: "postgres://$(DATABASE_USER):$(DATABASE_PASSWORD)@control-plane-postgres.{{ .Release.Namespace }}.svc:5432/control_plane?sslmode=require"}
{{- else }}
- name: HOSTED_INSTANCES_DATABASE__URL
  valueFrom: {secretKeyRef: {name: {{ .Values.secrets.name }}, key: database-url}}
{{- end }}
{{- if .Values.secrets.mailPassword }}
- name: HOSTED_INSTANCES_MAIL__PASSWORD
  valueFrom: {secretKeyRef: {name: {{ .Values.secrets.name }}, key: mail-password}}
{{- end }}
{{- end }}

{{- define "control.mounts" -}}
- {name: config, mountPath: /etc/hosted-instances, readOnly: true}
- {name: key, mountPath: /run/hosted-instances, readOnly: true}
- {name: data, mountPath: /var/lib/hosted-instances}
- {name: tmp, mountPath: /tmp}
{{- if .Values.clusters.kubeconfigSecretName }}
- {name: kubeconfigs, mountPath: /run/kubeconfigs, readOnly: true}
{{- end }}
{{- end }}

{{- define "control.volumes" -}}
- name: config
  configMap: {name: control-plane}
- name: key
  secret:
    secretName: {{ .Values.secrets.name }}
    # Readable by the group, which is the program's: 0440.
    defaultMode: 288
    items: [{key: server-key, path: server.key}]
# The database has everything that must last; here lie mails that no server took, and nothing else.
- {name: data, emptyDir: {sizeLimit: 256Mi}}
- {name: tmp, emptyDir: {sizeLimit: 64Mi}}
{{- with .Values.clusters.kubeconfigSecretName }}
- name: kubeconfigs
  secret: {secretName: {{ . }}, defaultMode: 288}
{{- end }}
{{- end }}

{{- /* One setting as TOML: JSON's texts, numbers, switches and lists are TOML's as well. */ -}}
{{- define "control.settings" -}}
{{- range $section, $keys := . }}
[{{ $section }}]
{{- $tables := dict }}
{{- range $key, $value := $keys }}
{{- if kindIs "map" $value }}
{{- $_ := set $tables $key $value }}
{{- else }}
{{ $key }} = {{ toRawJson $value }}
{{- end }}
{{- end }}
{{- range $key, $rows := $tables }}
{{- range $name, $row := $rows }}
[{{ $section }}.{{ $key }}.{{ $name | quote }}]
{{- range $field, $value := $row }}
{{ $field }} = {{ toRawJson $value }}
{{- end }}
{{- end }}
{{- end }}
{{ end }}
{{- end }}
