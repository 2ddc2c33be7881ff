package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"strconv"

	"github.com/valyala/fastjson"
)

// The Open Inference Protocol's JSON <-> the gRPC messages of ModelInfer, protobuf by hand: one flat tensor of FP32, INT64
// or BYTES.

var parser fastjson.Parser

// A gRPC frame with the ModelInferRequest.
func grpcRequest(model string, body []byte) ([]byte, error) {
	root, err := parser.ParseBytes(body)
	if err != nil {
		return nil, err
	}
	inputs, err := root.Get("inputs").Array()
	if err != nil {
		return nil, errors.New("inputs must be an array")
	}
	out := make([]byte, 5, len(body)+1024)
	out = appendField(out, 1, []byte(model))
	for _, input := range inputs {
		tensor := appendField(nil, 1, input.GetStringBytes("name"))
		tensor = appendField(tensor, 2, input.GetStringBytes("datatype"))
		var shape []byte
		for _, dimension := range input.GetArray("shape") {
			shape = binary.AppendUvarint(shape, dimension.GetUint64())
		}
		tensor = appendField(tensor, 3, shape)
		out = appendField(out, 5, tensor)
	}
	for _, input := range inputs {
		raw, err := elements(string(input.GetStringBytes("datatype")), input.GetArray("data"))
		if err != nil {
			return nil, err
		}
		out = appendField(out, 7, raw)
	}
	binary.BigEndian.PutUint32(out[1:], uint32(len(out)-5))
	return out, nil
}

func elements(datatype string, data []*fastjson.Value) ([]byte, error) {
	switch datatype {
	case "FP32":
		raw := make([]byte, 0, 4*len(data))
		for _, element := range data {
			value, err := element.Float64()
			if err != nil {
				return nil, err
			}
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(value)))
		}
		return raw, nil
	case "INT64":
		raw := make([]byte, 0, 8*len(data))
		for _, element := range data {
			value, err := element.Int64()
			if err != nil {
				return nil, err
			}
			raw = binary.LittleEndian.AppendUint64(raw, uint64(value))
		}
		return raw, nil
	case "BYTES":
		var raw []byte
		for _, element := range data {
			text, err := element.StringBytes()
			if err != nil {
				return nil, err
			}
			raw = binary.LittleEndian.AppendUint32(raw, uint32(len(text)))
			raw = append(raw, text...)
		}
		return raw, nil
	}
	return nil, errors.New("datatype must be FP32, INT64 or BYTES")
}

func appendField(out []byte, number uint64, content []byte) []byte {
	out = binary.AppendUvarint(out, number<<3|2)
	out = binary.AppendUvarint(out, uint64(len(content)))
	return append(out, content...)
}

// Number and content of the next length-delimited field; other wire types do not occur in what is measured.
func nextField(message *[]byte) (number uint64, content []byte, ok bool) {
	tag, n := binary.Uvarint(*message)
	if n <= 0 || tag&7 != 2 {
		return 0, nil, false
	}
	length, m := binary.Uvarint((*message)[n:])
	rest := (*message)[n+max(m, 0):]
	if m <= 0 || length > uint64(len(rest)) {
		return 0, nil, false
	}
	*message = rest[length:]
	return tag >> 3, rest[:length], true
}

type output struct {
	Name     string   `json:"name"`
	Datatype string   `json:"datatype"`
	Shape    []uint64 `json:"shape"`
}

// JSON of a reply with one output, from a gRPC frame with the ModelInferResponse.
func restReply(frame []byte) ([]byte, bool) {
	if len(frame) < 5 {
		return nil, false
	}
	message := frame[5:]
	var model string
	var tensor output
	out := make([]byte, 0, 3*len(frame))
	for {
		number, content, ok := nextField(&message)
		if !ok {
			return out, len(out) > 0
		}
		switch number {
		case 1:
			model = string(content)
		case 5:
			tensor = outputOf(content)
		case 6:
			out = append(out, `{"model_name":`...)
			out = append(out, jsonOf(model)...)
			out = append(out, `,"outputs":[`...)
			head := jsonOf(tensor)
			out = append(out, head[:len(head)-1]...)
			out = append(out, `,"data":[`...)
			out = append(appendElements(out, tensor.Datatype, content), "]}]}"...)
		}
	}
}

func outputOf(message []byte) (tensor output) {
	for {
		number, content, ok := nextField(&message)
		if !ok {
			return tensor
		}
		switch number {
		case 1:
			tensor.Name = string(content)
		case 2:
			tensor.Datatype = string(content)
		case 3:
			for len(content) > 0 {
				dimension, n := binary.Uvarint(content)
				if n <= 0 {
					return tensor
				}
				tensor.Shape = append(tensor.Shape, dimension)
				content = content[n:]
			}
		}
	}
}

// With a comma between them.
func appendElements(out []byte, datatype string, raw []byte) []byte {
	start := len(out)
	switch datatype {
	case "FP32":
		for ; len(raw) >= 4; raw = raw[4:] {
			value := float64(math.Float32frombits(binary.LittleEndian.Uint32(raw)))
			out = append(strconv.AppendFloat(out, value, 'g', -1, 32), ',')
		}
	case "INT64":
		for ; len(raw) >= 8; raw = raw[8:] {
			out = append(strconv.AppendInt(out, int64(binary.LittleEndian.Uint64(raw)), 10), ',')
		}
	default:
		for len(raw) >= 4 {
			length := min(int(binary.LittleEndian.Uint32(raw)), len(raw)-4)
			out = append(append(out, jsonOf(string(raw[4:4+length]))...), ',')
			raw = raw[4+length:]
		}
	}
	if len(out) > start {
		out = out[:len(out)-1]
	}
	return out
}

func errorBody(err error) string {
	return string(jsonOf(map[string]string{"error": err.Error()}))
}

// Of what cannot fail.
func jsonOf(value any) []byte {
	text, _ := json.Marshal(value)
	return text
}
