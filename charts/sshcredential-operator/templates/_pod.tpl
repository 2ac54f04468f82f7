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
