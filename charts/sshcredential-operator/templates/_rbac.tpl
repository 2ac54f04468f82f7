{{/*
Three roles of a file, bound to a ServiceAccount: PREFIX-operator-namespace in the release's namespace, PREFIX-cluster for the
cluster, PREFIX-workspace in each workspace or, where all namespaces are served, for the cluster.
Given a dict of root, file, prefix, account, labels.
*/}}
{{- define "sshcredential-operator.boundRoles" -}}
{{- $given := . }}
{{- $root := .root }}
{{- $roles := dict }}
{{- range (include "sshcredential-operator.documents" ($root.Files.Get .file) | fromJson).documents }}
{{- $_ := set $roles .metadata.name .rules }}
{{- end }}
{{- $workspace := printf "%s-workspace" .prefix }}
{{- $bound := list (dict "role" (printf "%s-operator-namespace" .prefix) "namespace" $root.Release.Namespace) }}
{{- $bound = append $bound (dict "role" (printf "%s-cluster" .prefix) "namespace" "") }}
{{- if include "sshcredential-operator.clusterWide" $root }}
{{- $bound = append $bound (dict "role" $workspace "namespace" "") }}
{{- else }}
{{- range $root.Values.workspaces }}
{{- $bound = append $bound (dict "role" $workspace "namespace" .) }}
{{- end }}
{{- end }}
{{- range $bound }}
{{- $cluster := ternary "Cluster" "" (empty .namespace) }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $cluster }}Role
metadata:
  name: {{ .role }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- $given.labels | nindent 4 }}
rules:
  {{- required (printf "%s has no %s" $given.file .role) (get $roles .role) | toYaml | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $cluster }}RoleBinding
metadata:
  name: {{ .role }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- $given.labels | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $cluster }}Role
  name: {{ .role }}
subjects:
  - kind: ServiceAccount
    name: {{ $given.account }}
    namespace: {{ $root.Release.Namespace }}
{{- end }}
{{- end }}
