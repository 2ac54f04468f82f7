{{/* What Pod Security `restricted` asks for, and a root file system that nobody writes to. */}}
{{- define "sshcredential-operator.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "sshcredential-operator.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* The token at the usual place, with an end and an audience, instead of the one that is mounted by itself. */}}
{{- define "sshcredential-operator.tokenVolume" -}}
name: token
projected:
  defaultMode: 288 # 0440, in a form that every YAML reads alike
  sources:
    - serviceAccountToken:
        path: token
        expirationSeconds: {{ .Values.serviceAccount.token.expirationSeconds }}
        {{- with .Values.serviceAccount.token.audience }}
        audience: {{ . | quote }}
        {{- end }}
    - configMap:
        name: kube-root-ca.crt
        items:
          - key: ca.crt
            path: ca.crt
    - downwardAPI:
        items:
          - path: namespace
            fieldRef:
              apiVersion: v1
              fieldPath: metadata.namespace
{{- end }}

{{- define "sshcredential-operator.tokenMount" -}}
name: token
mountPath: /var/run/secrets/kubernetes.io/serviceaccount
readOnly: true
{{- end }}

{{- define "sshcredential-operator.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 1
  timeoutSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
# Says no while the API server does not answer or lists are not complete, and why.
readinessProbe:
  httpGet: {path: /readyz, port: http}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 3
{{- end }}

{{/* Where pods may run, as the values say it for all of them. */}}
{{- define "sshcredential-operator.placement" -}}
{{- $place := dict -}}
{{- with .Values.nodeSelector }}{{ $_ := set $place "nodeSelector" . }}{{ end -}}
{{- with .Values.tolerations }}{{ $_ := set $place "tolerations" . }}{{ end -}}
{{- with .Values.affinity }}{{ $_ := set $place "affinity" . }}{{ end -}}
{{- if $place }}{{ toYaml $place }}{{ end -}}
{{- end }}

{{/* The arguments that say which namespaces a process serves, where it listens and how it logs. */}}
{{- define "sshcredential-operator.commonArguments" -}}
{{- if include "sshcredential-operator.clusterWide" . }}
- --all-namespaces
{{- else }}
{{- range .Values.workspaces }}
- --workspace={{ . }}
{{- end }}
{{- end }}
- {{ printf "--listen=%s:8080" .Values.listenAddress | quote }}
- --log-format={{ .Values.log.format }}
{{- if .Values.log.debug }}
- --debug
{{- end }}
{{- end }}
