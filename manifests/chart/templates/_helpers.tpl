{{- /* Reference of an image. Given: the root, and controller or collector. */}}
{{- define "modelgate.image" -}}
{{- $root := index . 0 -}}
{{- $part := index . 1 -}}
{{- $image := (index $root.Values $part).image -}}
{{- if not $image.repository -}}{{- $image = $root.Values.controller.image -}}{{- end -}}
{{- $repository := required "controller.image.repository: name the image of the controller, without tag" $image.repository -}}
{{- if $image.digest -}}
{{ $repository }}@{{ $image.digest }}
{{- else -}}
{{ $repository }}:{{ $image.tag | default $root.Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- /* What is set of a pod beside its containers. Given: the root, and the values of controller or collector. */}}
{{- define "modelgate.pod" -}}
{{- $pod := pick (index . 1) "nodeSelector" "tolerations" "affinity" "priorityClassName" -}}
{{- range $name, $value := set $pod "imagePullSecrets" (index . 0).Values.imagePullSecrets }}
{{- if $value }}
      {{ $name }}: {{ $value | toJson }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "modelgate.controllerArgs" -}}
{{- $args := list "controller" -}}
{{- if not .Values.controller.reconcile -}}{{- $args = append $args "--no-reconcile" -}}{{- end -}}
{{- concat $args .Values.controller.args | toJson -}}
{{- end -}}

{{- define "modelgate.collectorArgs" -}}
{{- $args := .Values.collector.args -}}
{{- if .Values.collector.senderTokensSecret -}}
{{- $args = append $args "--sender-token-file=/etc/modelgate/senders/tokens" -}}
{{- end -}}
{{- range $args }}
            - {{ . | quote }}
{{- end }}
{{- end -}}
