{{- /* Values that are each right and make no sense together. Each sentence says what would be right. */ -}}
{{- define "inference.refusals" -}}
{{- $files := include "inference.files" . | fromJsonArray -}}
{{- if not .Values.image -}}
{{- fail "image: nothing to run; give REPOSITORY@sha256:DIGEST" -}}
{{- end -}}
{{- if eq .Values.canary.image .Values.image -}}
{{- fail "canary.image: it is the image that runs already; a canary is another one, or empty" -}}
{{- end -}}
{{- if and .Values.secrets.aws .Values.secrets.kubernetes.name -}}
{{- fail "secrets: files come from AWS or from a secret of Kubernetes, and both are given; leave one empty" -}}
{{- end -}}
{{- if and .Values.secrets.kubernetes.files (not .Values.secrets.kubernetes.name) -}}
{{- fail "secrets.kubernetes.files: there is no secret that has them; give secrets.kubernetes.name" -}}
{{- end -}}
{{- if ne (has "tls-certificate" $files) (has "tls-key" $files) -}}
{{- fail "secrets: a certificate needs its key and a key its certificate; give both tls-certificate and tls-key" -}}
{{- end -}}
{{- if eq (has "tls-certificate" $files) .Values.plaintext -}}
{{- fail "plaintext: give the files tls-certificate and tls-key, or set plaintext=true where the network encrypts by itself" -}}
{{- end -}}
{{- if and (has "tls-client-crl" $files) (not (has "tls-client-ca" $files)) -}}
{{- fail "secrets: tls-client-crl revokes certificates of an authority; give tls-client-ca too" -}}
{{- end -}}
{{- if and (ne .Values.identity.policy "jwt") (not (has "tls-client-ca" $files)) -}}
{{- fail (printf "identity.policy: %s asks for client certificates; give the file tls-client-ca" .Values.identity.policy) -}}
{{- end -}}
{{- if and (has "tls-client-ca" $files) (not (has "tls-certificate" $files)) -}}
{{- fail "secrets: client certificates come with TLS; tls-client-ca needs tls-certificate and tls-key" -}}
{{- end -}}
{{- if ne .Values.identity.policy "mtls" -}}
{{- if not (and .Values.identity.jwks .Values.identity.issuer) -}}
{{- fail (printf "identity: tokens are checked with keys of their issuer, which the policy %s needs; give identity.jwks and identity.issuer" .Values.identity.policy) -}}
{{- end -}}
{{- end -}}
{{- if ne (empty .Values.targetGroupArn) (empty .Values.trustedProxies) -}}
{{- fail "targetGroupArn: a load balancer has a target group and networks that it connects from; give trustedProxies too, or neither" -}}
{{- end -}}
{{- if lt (int .Values.autoscaling.maximum) (int .Values.autoscaling.minimum) -}}
{{- fail (printf "autoscaling.maximum: %d is below the minimum of %d" (int .Values.autoscaling.maximum) (int .Values.autoscaling.minimum)) -}}
{{- end -}}
{{- if gt (int .Values.autoscaling.activeRequests) (int .Values.inFlight) -}}
{{- fail (printf "autoscaling.activeRequests: a pod works on no more than inFlight, which is %d; give less" (int .Values.inFlight)) -}}
{{- end -}}
{{- if and .Values.targetGroupArn (lt (int .Values.drain.graceSeconds) 15) -}}
{{- fail "drain.graceSeconds: the load balancer sends new connections for up to 15 s after a pod is taken out; give at least 15" -}}
{{- end -}}
{{- if ne (empty .Values.prober.target) (not (has "probe-token" $files)) -}}
{{- fail "prober: it needs a door and a token for it; give both prober.target and the file probe-token, or neither" -}}
{{- end -}}
{{- with .Values.load -}}
{{- if and .image (not (and .target .scenario .beginAt (has "load-token" $files))) -}}
{{- fail "load: pods that send it need a door, what to send, when to begin and a token; give load.target, load.scenario, load.beginAt and the file load-token" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.observability.enabled (not (.Files.Glob "files/dashboards/*.json")) -}}
{{- fail "files/dashboards: the chart was packed without the generated dashboards; take it from a whole checkout" -}}
{{- end -}}
{{- end -}}
