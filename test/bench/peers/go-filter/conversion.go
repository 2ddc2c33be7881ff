package main

import (
	"math"
	"strings"
)

// POST /v2/models/{model}/infer <-> inference.GRPCInferenceService/ModelInfer, whole bodies. What fails at the model is
// not converted.
type conversion struct {
	model string
}

func conversionOf(path []byte) (conversion, bool) {
	model, ok := strings.CutPrefix(string(path), "/v2/models/")
	model, inference := strings.CutSuffix(model, "/infer")
	return conversion{model}, ok && inference
}

func (c conversion) onRequestHeaders() {
	proxyReplaceHeaderMapValue(requestHeaders, ":path", "/inference.GRPCInferenceService/ModelInfer")
	proxyReplaceHeaderMapValue(requestHeaders, "content-type", "application/grpc")
	proxyReplaceHeaderMapValue(requestHeaders, "te", "trailers")
	proxyRemoveHeaderMapValue(requestHeaders, "content-length")
}

func (c conversion) onRequestBody(size uint32, end bool) uint32 {
	if !end {
		return actionPause
	}
	frame, err := grpcRequest(c.model, buffer(requestBody, size))
	if err != nil {
		reply(400, errorBody(err))
		return actionPause
	}
	replaceBuffer(requestBody, size, frame)
	return actionContinue
}

func (c conversion) onResponseHeaders() {
	proxyReplaceHeaderMapValue(responseHeaders, "content-type", "application/json")
	proxyRemoveHeaderMapValue(responseHeaders, "content-length")
}

func (c conversion) onResponseTrailers() {
	frame := buffer(responseBody, math.MaxInt32)
	if json, ok := restReply(frame); ok {
		replaceBuffer(responseBody, uint32(len(frame)), json)
	}
}
