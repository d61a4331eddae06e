{{/* What the pods of worker, topology and exporter have in common: (dict "root" . "account" "worker") */}}
{{- define "tidemill.pod" -}}
serviceAccountName: {{ include "tidemill.serviceAccountName" .root }}
automountServiceAccountToken: {{ .root.Values.serviceAccount.automount }}
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .root.Values.podSecurityContext | nindent 2 }}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* The container's image, login and security. */}}
{{- define "tidemill.container" -}}
image: {{ include "tidemill.image" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
envFrom:
  - configMapRef:
      name: {{ include "tidemill.fullname" .root }}-settings
  {{- with .root.Values.envFrom }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
securityContext:
  {{- toYaml .root.Values.securityContext | nindent 2 }}
{{- end -}}

{{- define "tidemill.loginEnv" -}}
- name: TIDEMILL_BROKER_USERNAME
  valueFrom:
    secretKeyRef:
      name: {{ include "tidemill.login" . }}
      key: username
- name: TIDEMILL_BROKER_PASSWORD_FILE
  value: /var/run/tidemill/password
{{- end -}}

{{- define "tidemill.loginMount" -}}
- name: login
  mountPath: /var/run/tidemill
  readOnly: true
{{- if .root.Values.brokerCaConfigMap }}
- name: broker-ca
  mountPath: {{ include "tidemill.caFolder" . }}
  readOnly: true
{{- end }}
{{- with .root.Values.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "tidemill.loginVolume" -}}
- name: login
  secret:
    secretName: {{ include "tidemill.login" . }}
    defaultMode: 0440
    items:
      - key: password
        path: password
{{- with .root.Values.brokerCaConfigMap }}
- name: broker-ca
  configMap:
    name: {{ . }}
{{- end }}
{{- with .root.Values.volumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* A probe: (dict "path" "/livez" "with" .Values.livenessProbe) */}}
{{- define "tidemill.probe" -}}
httpGet:
  path: {{ .path }}
  port: http
{{- with .with }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "tidemill.ports" -}}
- name: http
  containerPort: {{ .Values.settings.httpPort | default 8081 | int }}
{{- end -}}

{{/* The worker's pod: (dict "root" . "once" false) */}}
{{- define "tidemill.workerTemplate" -}}
{{- $values := .root.Values -}}
{{- $login := dict "root" .root "account" "worker" -}}
{{- $labels := dict "root" .root "component" "worker" -}}
metadata:
  annotations:
    checksum/settings: {{ include "tidemill.environment" .root | sha256sum | trunc 16 }}
    {{- with $values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  labels:
    {{- include "tidemill.podLabels" $labels | nindent 4 }}
    {{- with $values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- include "tidemill.pod" $login | nindent 2 }}
  terminationGracePeriodSeconds: {{ $values.terminationGracePeriodSeconds }}
  {{- if .once }}
  restartPolicy: Never
  {{- end }}
  topologySpreadConstraints:
    {{- with $values.topologySpreadConstraints }}
    {{- toYaml . | nindent 4 }}
    {{- else }}
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "tidemill.selector" $labels | nindent 10 }}
    {{- end }}
  containers:
    - name: worker
      {{- include "tidemill.container" $login | nindent 6 }}
      args: [work, $(WORKER_FILE){{ if .once }}, --once{{ end }}]
      env:
        {{- include "tidemill.loginEnv" $login | nindent 8 }}
        {{- with $values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        {{- include "tidemill.ports" .root | nindent 8 }}
      startupProbe:
        {{- include "tidemill.probe" (dict "path" "/startupz" "with" $values.startupProbe) | nindent 8 }}
      {{- if not .once }}
      readinessProbe:
        {{- include "tidemill.probe" (dict "path" "/readyz" "with" $values.readinessProbe) | nindent 8 }}
      {{- end }}
      livenessProbe:
        {{- include "tidemill.probe" (dict "path" "/livez" "with" $values.livenessProbe) | nindent 8 }}
      resources:
        {{- toYaml $values.resources | nindent 8 }}
      volumeMounts:
        {{- include "tidemill.loginMount" . | nindent 8 }}
        - name: tmp
          mountPath: /tmp
  volumes:
    {{- include "tidemill.loginVolume" $login | nindent 4 }}
    - name: tmp
      emptyDir:
        sizeLimit: {{ $values.tmpSizeLimit }}
{{- end -}}
