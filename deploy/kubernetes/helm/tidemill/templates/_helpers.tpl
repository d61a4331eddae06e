{{- define "tidemill.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "tidemill.fullname" -}}
{{- $name := include "tidemill.name" . -}}
{{- $usual := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- .Values.fullnameOverride | default $usual | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* (dict "root" . "component" "worker") */}}
{{- define "tidemill.selector" -}}
app.kubernetes.io/name: {{ include "tidemill.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "tidemill.podLabels" -}}
{{ include "tidemill.selector" . }}
app.kubernetes.io/part-of: tidemill
{{- end -}}

{{- define "tidemill.labels" -}}
{{ include "tidemill.podLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name (.root.Chart.Version | replace "+" "_") }}
{{- end -}}

{{- define "tidemill.image" -}}
{{- $repository := list .Values.image.registry .Values.image.repository | compact | join "/" -}}
{{- if .Values.image.digest -}}
{{ $repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ $repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "tidemill.serviceAccountName" -}}
{{- $own := printf "%s-worker" (include "tidemill.fullname" .) -}}
{{- .Values.serviceAccount.name | default (ternary $own "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{/* The Secret of an account: (dict "root" . "account" "worker") */}}
{{- define "tidemill.login" -}}
{{- $own := printf "%s-%s-login" (include "tidemill.fullname" .root) .account -}}
{{- (index .root.Values.logins .account).existingSecret | default $own -}}
{{- end -}}

{{/* A number as text: Helm's own way writes 1800000 as 1.8e+06. */}}
{{- define "tidemill.number" -}}
{{- if eq (float64 .) (floor (float64 .)) }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- end -}}

{{/* What stands in the ConfigMap: settings as TIDEMILL_*, and your own variables. */}}
{{- define "tidemill.environment" -}}
{{- range $name, $value := .Values.settings }}
{{- $text := toString $value }}
{{- if kindIs "slice" $value }}
{{- $parts := list }}
{{- range $value }}{{ $parts = append $parts (include "tidemill.number" .) }}{{ end }}
{{- $text = join "," $parts }}
{{- else if or (kindIs "float64" $value) (kindIs "int64" $value) }}
{{- $text = include "tidemill.number" $value }}
{{- end }}
TIDEMILL_{{ regexReplaceAll "([A-Z])" $name "_${1}" | upper }}: {{ $text | quote }}
{{- end }}
TIDEMILL_TERMINATION_GRACE_MS: {{ mul 1000 (int64 .Values.terminationGracePeriodSeconds) | quote }}
WORKER_FILE: {{ .Values.workerFile | quote }}
{{- if .Values.brokerCaConfigMap }}
TIDEMILL_TLS_CA_FILE: {{ include "tidemill.caFolder" . }}/ca.crt
KEDA_TLS: enable
{{- end }}
{{- range $name, $value := .Values.env }}
{{ $name }}: {{ toString $value | quote }}
{{- end }}
{{- end -}}

{{- define "tidemill.caFolder" -}}
/etc/tidemill/broker-ca
{{- end -}}

{{- define "tidemill.isKafka" -}}
{{- if regexMatch "^kafkas?://" .Values.settings.brokerUrl }}true{{ end -}}
{{- end -}}
