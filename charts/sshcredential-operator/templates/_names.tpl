{{/* One installation per cluster: the operator's Lease, its roles and its policies have fixed names, and so has all else. */}}
{{- define "sshcredential-operator.name" -}}sshcredential-operator{{- end }}

{{- define "sshcredential-operator.selector" -}}
app.kubernetes.io/name: sshcredential-operator
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{/* The process that connects to servers has its own pods, rights and network. */}}
{{- define "sshcredential-operator.targetsName" -}}sshcredential-operator-targets{{- end }}

{{- define "sshcredential-operator.targetsSelector" -}}
{{- include "sshcredential-operator.selector" . | replace "component: operator" "component: targets" }}
{{- end }}

{{- define "sshcredential-operator.targetsLabels" -}}
{{- include "sshcredential-operator.componentLabels" (list . "targets") }}
{{- end }}

{{/* Given a list of the root and the component. */}}
{{- define "sshcredential-operator.componentLabels" -}}
{{- $root := index . 0 -}}
{{- $own := dict
  "app.kubernetes.io/name" "sshcredential-operator"
  "app.kubernetes.io/instance" $root.Release.Name
  "app.kubernetes.io/component" (index . 1)
  "app.kubernetes.io/version" $root.Chart.AppVersion
  "app.kubernetes.io/managed-by" $root.Release.Service
  "helm.sh/chart" (printf "%s-%s" $root.Chart.Name ($root.Chart.Version | replace "+" "_")) -}}
{{- toYaml (merge $own $root.Values.commonLabels) }}
{{- end }}

{{- define "sshcredential-operator.labels" -}}
{{- include "sshcredential-operator.componentLabels" (list . "operator") }}
{{- end }}

{{- define "sshcredential-operator.image" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}{{ with .Values.image.tag }}:{{ . }}{{ end }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ $tag }}
{{- end -}}
{{- end }}

{{- define "sshcredential-operator.clusterWide" -}}
{{- if has "*" .Values.workspaces }}true{{ end -}}
{{- end }}

{{- define "sshcredential-operator.testNamespace" -}}
{{- if .Values.tests.namespace -}}
{{ .Values.tests.namespace }}
{{- else if include "sshcredential-operator.clusterWide" . -}}
default
{{- else -}}
{{ first .Values.workspaces }}
{{- end -}}
{{- end }}

{{/* The documents of a file, as a JSON object with the list `documents`, since a template gives back text alone. */}}
{{- define "sshcredential-operator.documents" -}}
{{- $documents := list -}}
{{- range regexSplit "(?m)^---$" . -1 -}}
{{- with fromYaml . -}}{{- $documents = append $documents . -}}{{- end -}}
{{- end -}}
{{- dict "documents" $documents | toJson -}}
{{- end }}
