{{- /* Labels that select. They never change: a Deployment's selector can't. */ -}}
{{- define "inference.selector" -}}
app.kubernetes.io/name: inference
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "inference.labels" -}}
{{ include "inference.selector" . }}
app.kubernetes.io/part-of: puntual
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- /* What tells one image's series from another's: of its digest as much as is told apart at a glance, as a label's value is
       shorter than a digest. */ -}}
{{- define "inference.version" -}}
{{- splitList "@sha256:" . | last | trunc 12 -}}
{{- end -}}

{{- /* Names of the files that there are, as a JSON array. */ -}}
{{- define "inference.files" -}}
{{- $kubernetes := .Values.secrets.kubernetes -}}
{{- concat (keys (.Values.secrets.aws | default dict) | sortAlpha) ($kubernetes.files | default list) | toJson -}}
{{- end -}}

{{- /* What the pod security level `restricted` asks of a pod, and more. 65532 is the image's own user. */ -}}
{{- define "inference.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  # The owner's group of mounted secrets.
  fsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
{{- end -}}

{{- define "inference.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  # The image is one static binary, which writes nothing.
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{- /* The volume with the files of `files`; `provider` is the SecretProviderClass that knows them. */ -}}
{{- define "inference.filesVolume" -}}
- name: files
  {{- if .root.Values.secrets.aws }}
  csi:
    driver: secrets-store.csi.k8s.io
    readOnly: true
    volumeAttributes:
      secretProviderClass: {{ .provider }}
  {{- else }}
  secret:
    secretName: {{ .root.Values.secrets.kubernetes.name }}
    # For the group: the owner of a mounted secret is root.
    defaultMode: 0440
    items:
      {{- range .files }}
      - key: {{ . }}
        path: {{ . }}
      {{- end }}
  {{- end }}
{{- end -}}

{{- /* What fetches `files` from AWS for the volume of that name. */ -}}
{{- define "inference.secretProvider" }}
apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata:
  name: {{ .provider }}
  labels:
    {{- include "inference.labels" .root | nindent 4 }}
spec:
  provider: aws
  parameters:
    usePodIdentity: "true"
    objects: |
      {{- range .files }}
      - objectName: {{ get $.root.Values.secrets.aws . | quote }}
        objectType: secretsmanager
        objectAlias: {{ . }}
      {{- end }}
{{- end -}}

{{- /* Files of the service: all but the tokens of those who ask it. */ -}}
{{- define "inference.serviceFiles" -}}
{{- without (include "inference.files" . | fromJsonArray) "probe-token" "load-token" | toJson -}}
{{- end -}}

{{- /* The commonest way out: names. */ -}}
{{- define "inference.dns" -}}
- to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: kube-system
      podSelector:
        matchLabels:
          k8s-app: kube-dns
  ports:
    - { protocol: UDP, port: 53 }
    - { protocol: TCP, port: 53 }
{{- end -}}

{{- /* HTTPS to anywhere but what only this node has: the instance's metadata and credentials. */ -}}
{{- define "inference.https" -}}
- to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except: [169.254.0.0/16]
  ports:
    - { protocol: TCP, port: 443 }
{{- end -}}

{{- /* The way in for scrapes. */ -}}
{{- define "inference.scrapedBy" -}}
- from:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: {{ .Values.observability.namespace }}
      podSelector:
        matchLabels:
          app.kubernetes.io/name: {{ .Values.observability.prometheus }}
  ports:
    - { protocol: TCP, port: admin }
{{- end -}}
