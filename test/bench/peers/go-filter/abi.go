// Package main does what a gateway does, as one would write it in Go: authentication, limit, conversion, log. It calls the
// proxy-wasm ABI 0.2.1 (https://github.com/proxy-wasm/spec) itself.
package main

import (
	"encoding/binary"
	"time"
	"unsafe"
)

func main() {}

// Where the host writes what it returns: address and length of bytes, version of shared data, nanoseconds since 1970.
var (
	resultData, resultSize uint32
	resultVersion          uint32
	resultTime             uint64
)

// What the host asked memory for last; results are slices of it, which keep it alive.
var allocated []byte

//go:wasmexport proxy_abi_version_0_2_1
func abiVersion() {}

//go:wasmexport proxy_on_memory_allocate
func allocate(size uint32) unsafe.Pointer {
	allocated = make([]byte, max(size, 1))
	return unsafe.Pointer(unsafe.SliceData(allocated))
}

const statusOk = 0

const (
	actionContinue = 0
	actionPause    = 1
)

const (
	requestHeaders  = 0
	responseHeaders = 2
)

const (
	requestBody         = 0
	responseBody        = 1
	pluginConfiguration = 7
)

//go:wasmimport env proxy_log
func proxyLog(level uint32, message string) uint32

//go:wasmimport env proxy_get_current_time_nanoseconds
func proxyGetCurrentTimeNanoseconds(time *uint64) uint32

//go:wasmimport env proxy_get_buffer_bytes
func proxyGetBufferBytes(buffer, start, size uint32, data, length *uint32) uint32

//go:wasmimport env proxy_set_buffer_bytes
func proxySetBufferBytes(buffer, start, size uint32, data *byte, length uint32) uint32

//go:wasmimport env proxy_get_header_map_value
func proxyGetHeaderMapValue(headers uint32, name string, data, size *uint32) uint32

//go:wasmimport env proxy_replace_header_map_value
func proxyReplaceHeaderMapValue(headers uint32, name, value string) uint32

//go:wasmimport env proxy_remove_header_map_value
func proxyRemoveHeaderMapValue(headers uint32, name string) uint32

//go:wasmimport env proxy_send_local_response
func proxySendLocalResponse(status uint32, details, body string, headers *byte, headersSize uint32, grpcStatus int32) uint32

//go:wasmimport env proxy_get_shared_data
func proxyGetSharedData(key string, data, size, version *uint32) uint32

//go:wasmimport env proxy_set_shared_data
func proxySetSharedData(key string, data *byte, size, version uint32) uint32

//go:wasmimport env proxy_set_property
func proxySetProperty(path, value string) uint32

//go:wasmimport env proxy_call_foreign_function
func proxyCallForeignFunction(name string, data *byte, size uint32, result, resultSize *uint32) uint32

// What the host wrote last.
func result() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(uintptr(resultData))), resultSize)
}

func logError(message string) {
	const levelError = 4
	proxyLog(levelError, message)
}

func now() time.Duration {
	proxyGetCurrentTimeNanoseconds(&resultTime)
	return time.Duration(resultTime)
}

func buffer(which, size uint32) []byte {
	if proxyGetBufferBytes(which, 0, size, &resultData, &resultSize) != statusOk || resultSize == 0 {
		return nil
	}
	return result()
}

func replaceBuffer(which, size uint32, content []byte) {
	proxySetBufferBytes(which, 0, size, unsafe.SliceData(content), uint32(len(content)))
}

func header(headers uint32, name string) ([]byte, bool) {
	if proxyGetHeaderMapValue(headers, name, &resultData, &resultSize) != statusOk {
		return nil, false
	}
	if resultSize == 0 {
		return nil, true
	}
	return result(), true
}

// An array of one pair: counts and lengths, then texts that end with a zero.
var jsonHeaders = func() []byte {
	name, value := "content-type", "application/json"
	pairs := binary.LittleEndian.AppendUint32(nil, 1)
	pairs = binary.LittleEndian.AppendUint32(pairs, uint32(len(name)))
	pairs = binary.LittleEndian.AppendUint32(pairs, uint32(len(value)))
	return append(pairs, name+"\x00"+value+"\x00"...)
}()

func reply(status uint32, json string) {
	proxySendLocalResponse(status, "", json, unsafe.SliceData(jsonHeaders), uint32(len(jsonHeaders)), -1)
}

// The value is nil when there is none; the version is what setShared wants.
func getShared(key string) ([]byte, uint32) {
	resultVersion = 0
	if proxyGetSharedData(key, &resultData, &resultSize, &resultVersion) != statusOk || resultSize == 0 {
		return nil, resultVersion
	}
	return result(), resultVersion
}

// False when another VM was first.
func setShared(key string, value []byte, version uint32) bool {
	return proxySetSharedData(key, unsafe.SliceData(value), uint32(len(value)), version) == statusOk
}

func callForeign(name string, arguments []byte) []byte {
	size := uint32(len(arguments))
	if proxyCallForeignFunction(name, unsafe.SliceData(arguments), size, &resultData, &resultSize) != statusOk || resultSize == 0 {
		return nil
	}
	return result()
}
