{{/* Names, labels and the node's configuration. */}}

{{- define "daypass.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "daypass.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "daypass.labels" -}}
{{ include "daypass.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "daypass.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "daypass.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name must be set with serviceAccount.create: false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "daypass.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* The subject of all bindings. */}}
{{- define "daypass.subject" -}}
- kind: ServiceAccount
  name: {{ include "daypass.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{/*
node.yaml: the value `config`, and what other values say. A bare off is `false` in Helm's YAML; where Daypass knows the
word off, it is made that again.
*/}}
{{- define "daypass.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- if not $config.stores -}}
{{- $key := dict "file" (printf "%s/github.pem" .Values.keys.mountPath) -}}
{{- $_ := set $config "stores" (dict "github" (dict "kind" "github-app" "appID" "123456" "privateKey" $key)) -}}
{{- end -}}
{{- if and .Values.config.grants (not .Values.config.stores) -}}
{{- fail "config.stores: there are grants and no store" -}}
{{- end -}}
{{- $server := deepCopy (default dict $config.server) -}}
{{- if hasKey $server "adminHTTP" -}}
{{- fail "config.server.adminHTTP: set the values admin.address, admin.port and admin.status instead" -}}
{{- end -}}
{{- if hasKey $server "socket" -}}
{{- fail "config.server.socket: set the value socketDirectory instead; the socket in it is daypass.sock" -}}
{{- end -}}
{{- if hasKey $config "cluster" -}}
{{- fail "config.cluster: set the values events.enabled and startupTaint instead" -}}
{{- end -}}
{{- $admin := dict "listen" (printf "%s:%d" .Values.admin.address (int .Values.admin.port)) -}}
{{- $status := .Values.admin.status | toString | replace "false" "off" -}}
{{- if ne $status "loopback" -}}
{{- $_ := set $admin "status" $status -}}
{{- end -}}
{{- $_ := set $server "adminHTTP" $admin -}}
{{- if ne .Values.socketDirectory "/var/run/secrets-store-csi-providers" -}}
{{- $_ := set $server "socket" (printf "%s/daypass.sock" .Values.socketDirectory) -}}
{{- end -}}
{{- $_ := set $config "server" $server -}}
{{- $cluster := dict -}}
{{- if not .Values.events.enabled -}}
{{- $_ := set $cluster "events" "off" -}}
{{- end -}}
{{- if .Values.startupTaint.enabled -}}
{{- $_ := set $cluster "startupTaint" .Values.startupTaint.key -}}
{{- end -}}
{{- if $cluster -}}
{{- $_ := set $config "cluster" $cluster -}}
{{- end -}}
{{- if .Values.caBundle.existingConfigMap -}}
{{- $http := deepCopy (default dict $config.http) -}}
{{- if hasKey $http "caFile" -}}
{{- fail "config.http.caFile: it is set by the value caBundle; remove one of the two" -}}
{{- end -}}
{{- $_ := set $http "caFile" (printf "/etc/daypass/ca/%s" .Values.caBundle.key) -}}
{{- $_ := set $config "http" $http -}}
{{- end -}}
{{- with $config.builds -}}
{{- $builds := deepCopy . -}}
{{- range $key := list "pods" "paths" -}}
{{- if and (hasKey $builds $key) (kindIs "bool" (get $builds $key)) -}}
{{- $_ := set $builds $key (ternary "auto" "off" (get $builds $key)) -}}
{{- end -}}
{{- end -}}
{{- $_ := set $config "builds" $builds -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* The proxy's variables. Of http_proxy only the small letters count. */}}
{{- define "daypass.proxyEnv" -}}
{{- $names := dict "HTTPS_PROXY" .Values.proxy.https "NO_PROXY" .Values.proxy.noProxy "http_proxy" .Values.proxy.http -}}
{{- $secret := .Values.proxy.existingSecret -}}
{{- $env := list -}}
{{- range $name, $value := $names -}}
{{- if $value -}}
{{- $env = append $env (dict "name" $name "value" $value) -}}
{{- else if $secret -}}
{{- $ref := dict "name" $secret "key" $name "optional" true -}}
{{- $env = append $env (dict "name" $name "valueFrom" (dict "secretKeyRef" $ref)) -}}
{{- end -}}
{{- end -}}
{{- with $env -}}{{- toYaml . -}}{{- end -}}
{{- end -}}
