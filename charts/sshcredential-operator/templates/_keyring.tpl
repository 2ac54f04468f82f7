{{/* Where the root key is, as arguments. Where it is the default nothing is said, so that an earlier image starts, too. */}}
{{- define "sshcredential-operator.rootArguments" -}}
{{- with .Values.keyRing }}
{{- if eq .rootSource "file" }}
- {{ printf "--root-source=file:/run/sshcredential-root/%s" .file.name | quote }}
{{- else if eq .rootSource "kms" }}
- {{ printf "--root-source=kms:/run/sshcredential-kms/%s" .kms.socket | quote }}
{{- else if .olderSources }}
- --root-source=secret
{{- end }}
{{- range .olderSources }}
- {{ printf "--root-source=%s" . | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "sshcredential-operator.rootMounts" -}}
{{- if eq .Values.keyRing.rootSource "file" }}
- name: root-key
  mountPath: /run/sshcredential-root
  readOnly: true
{{- else if eq .Values.keyRing.rootSource "kms" }}
- name: kms
  mountPath: /run/sshcredential-kms
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "sshcredential-operator.rootVolumes" -}}
{{- if eq .Values.keyRing.rootSource "file" }}
- name: root-key
  {{- toYaml .Values.keyRing.file.volume | nindent 2 }}
{{- else if eq .Values.keyRing.rootSource "kms" }}
- name: kms
  emptyDir:
    medium: Memory
    sizeLimit: 1Mi
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The KMS plugin beside the operator, and what else was asked for. */}}
{{- define "sshcredential-operator.moreContainers" -}}
{{- if eq .Values.keyRing.rootSource "kms" }}
{{- $plugin := deepCopy .Values.keyRing.kms.plugin }}
{{- $mounts := concat (list (dict "name" "kms" "mountPath" "/run/sshcredential-kms")) ($plugin.volumeMounts | default list) }}
{{- $_ := set $plugin "name" "kms-plugin" }}
{{- $_ := set $plugin "volumeMounts" $mounts }}
{{- if not $plugin.securityContext }}
{{- $_ := set $plugin "securityContext" (include "sshcredential-operator.containerSecurityContext" . | fromYaml) }}
{{- end }}
- {{ toYaml $plugin | nindent 2 | trim }}
{{- end }}
{{- with .Values.extraContainers }}
{{ toYaml . }}
{{- end }}
{{- end }}
