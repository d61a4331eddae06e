{{/* KEDA's triggers: every place in which a job of the queue can wait for a worker. (dict "root" . "jobs" "300") */}}
{{- define "tidemill.triggers" -}}
{{- $keda := .root.Values.keda -}}
{{- $settings := .root.Values.settings -}}
{{- $auth := printf "%s-broker" (include "tidemill.fullname" .root) -}}
{{- if include "tidemill.isKafka" .root }}
{{- include "tidemill.kafkaTrigger" (dict "root" .root "auth" $auth "name" "work" "topic" $settings.queue "lag" .jobs) }}
{{- $ladder := list 1000 5000 30000 120000 600000 3600000 }}
{{- range $settings.retryLadderMs | default $ladder }}
{{- $delay := include "tidemill.number" . }}
{{- $topic := printf "%s.retry.%s" $settings.queue $delay }}
{{- $lag := include "tidemill.number" $keda.kafka.retryLagThreshold }}
{{ include "tidemill.kafkaTrigger" (dict "root" $.root "auth" $auth "name" (printf "retry-%s" $delay) "topic" $topic "lag" $lag "cached" true) }}
{{- end }}
{{- else }}
{{- include "tidemill.rabbitTrigger" (dict "root" .root "auth" $auth "name" "work" "queue" $settings.queue "value" .jobs) }}
{{ include "tidemill.rabbitTrigger" (dict "root" .root "auth" $auth "name" "suspects" "queue" (printf "%s.suspects" $settings.queue) "value" .suspects) }}
{{- end }}
{{- with $keda.extraTriggers }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "tidemill.rabbitTrigger" -}}
- type: rabbitmq
  name: {{ .name }}
  metricType: AverageValue
  authenticationRef:
    name: {{ .auth }}
  metadata:
    protocol: http
    host: {{ required "settings.managementUrl: expected the URL of RabbitMQ's management API, which KEDA asks, got nothing" .root.Values.settings.managementUrl | quote }}
    vhostName: {{ .root.Values.keda.vhostName | quote }}
    queueName: {{ .queue | quote }}
    mode: QueueLength
    value: {{ .value | quote }}
    activationValue: "0"
{{- end -}}

{{- define "tidemill.kafkaTrigger" -}}
{{- $settings := .root.Values.settings -}}
- type: kafka
  name: {{ .name }}
  metricType: AverageValue
  {{- if .cached }}
  useCachedMetrics: true
  {{- end }}
  authenticationRef:
    name: {{ .auth }}
  metadata:
    bootstrapServers: {{ regexReplaceAll "^kafkas?://([^@]*@)?" $settings.brokerUrl "" | quote }}
    version: {{ .root.Values.keda.kafka.version | quote }}
    sasl: {{ .root.Values.keda.kafka.sasl | quote }}
    {{- if and (hasPrefix "kafkas:" $settings.brokerUrl) (not .root.Values.brokerCaConfigMap) }}
    tls: enable
    {{- end }}
    consumerGroup: {{ $settings.consumerGroup | default $settings.queue | quote }}
    topic: {{ .topic | quote }}
    offsetResetPolicy: {{ $settings.offsetReset | default "earliest" }}
    lagThreshold: {{ .lag | quote }}
    activationLagThreshold: "0"
    allowIdleConsumers: "true"
{{- end -}}
