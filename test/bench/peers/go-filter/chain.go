package main

import "bytes"

// Decides who may pass.
type gate struct {
	verifier *verifier
	buckets  map[string]*bucket
	log      bool
}

func newGate(config *config) *gate {
	made := &gate{newVerifier(config), map[string]*bucket{}, config.Log}
	for _, task := range config.Tasks {
		made.buckets[task.Taskid] = newBucket(task)
	}
	return made
}

type refusal struct {
	status uint32
	reason string
}

// The subject of the caller's token, when the request may pass.
func (g *gate) admit(authorization, taskid []byte) (subject string, refused *refusal) {
	now := now()
	token, ok := bytes.CutPrefix(authorization, []byte("Bearer "))
	if !ok {
		return "", &refusal{401, "token_missing"}
	}
	subject, reason := g.verifier.verify(token, now)
	if reason != "" {
		return "", &refusal{401, reason}
	}
	bucket, ok := g.buckets[string(taskid)]
	if !ok {
		return "", &refusal{403, "task_unknown"}
	}
	if !bucket.take(now) {
		return "", &refusal{429, "task_rate_limited"}
	}
	return subject, nil
}

// Envoy's access log prints it: filter state wasm.chain.
func logDecision(decision, what string) {
	proxySetProperty("chain", decision+" "+what)
}

// By the ids of their contexts.
var (
	gates       = map[uint32]*gate{}
	streams     = map[uint32]*gate{}
	conversions = map[uint32]conversion{}
)

//go:wasmexport proxy_on_vm_start
func onVMStart(context, size uint32) uint32 { return 1 }

//go:wasmexport proxy_on_configure
func onConfigure(context, size uint32) uint32 {
	config, err := parseConfig(buffer(pluginConfiguration, size))
	if err != nil {
		logError("the configuration is not valid: " + err.Error())
		return 0
	}
	gates[context] = newGate(config)
	return 1
}

//go:wasmexport proxy_on_context_create
func onContextCreate(context, root uint32) {
	if root != 0 {
		streams[context] = gates[root]
	}
}

//go:wasmexport proxy_on_delete
func onDelete(context uint32) {
	delete(streams, context)
	delete(conversions, context)
	delete(gates, context)
}

//go:wasmexport proxy_on_request_headers
func onRequestHeaders(context, count, end uint32) uint32 {
	gate := streams[context]
	authorization, _ := header(requestHeaders, "authorization")
	taskid, _ := header(requestHeaders, "taskid")
	subject, refused := gate.admit(authorization, taskid)
	if refused != nil {
		if gate.log {
			logDecision("refused", refused.reason)
		}
		reply(refused.status, `{"error":"`+refused.reason+`"}`)
		return actionPause
	}
	if gate.log {
		logDecision("admitted", subject)
	}
	proxyRemoveHeaderMapValue(requestHeaders, "authorization")
	if end == 0 {
		contentType, _ := header(requestHeaders, "content-type")
		if bytes.HasPrefix(contentType, []byte("application/json")) {
			path, _ := header(requestHeaders, ":path")
			if conversion, ok := conversionOf(path); ok {
				conversions[context] = conversion
				conversion.onRequestHeaders()
			}
		}
	}
	return actionContinue
}

//go:wasmexport proxy_on_request_body
func onRequestBody(context, size, end uint32) uint32 {
	conversion, ok := conversions[context]
	if !ok {
		return actionContinue
	}
	return conversion.onRequestBody(size, end != 0)
}

//go:wasmexport proxy_on_response_headers
func onResponseHeaders(context, count, end uint32) uint32 {
	conversion, ok := conversions[context]
	if ok && end == 0 {
		conversion.onResponseHeaders()
	}
	return actionContinue
}

//go:wasmexport proxy_on_response_body
func onResponseBody(context, size, end uint32) uint32 {
	if _, ok := conversions[context]; ok && end == 0 {
		return actionPause
	}
	return actionContinue
}

//go:wasmexport proxy_on_response_trailers
func onResponseTrailers(context, count uint32) uint32 {
	if conversion, ok := conversions[context]; ok {
		conversion.onResponseTrailers()
	}
	return actionContinue
}
