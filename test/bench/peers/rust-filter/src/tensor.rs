//! The Open Inference Protocol's JSON <-> the gRPC messages of ModelInfer: serde_json, protobuf by hand, one flat tensor of
//! FP32, INT64 or BYTES.

use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

#[derive(Deserialize)]
pub struct Request {
    #[serde(default)]
    inputs: Vec<Input>,
}

#[derive(Default)]
struct Input {
    name: String,
    datatype: String,
    shape: Vec<u64>,
    raw: Vec<u8>,
}

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Input;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an input")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Input, A::Error> {
                let mut input = Input::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "name" => input.name = map.next_value()?,
                        "datatype" => input.datatype = map.next_value()?,
                        "shape" => input.shape = map.next_value()?,
                        "data" => input.raw = elements(&input.datatype, &mut map)?,
                        _ => drop(map.next_value::<de::IgnoredAny>()?),
                    }
                }
                Ok(input)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

fn elements<'de, A: MapAccess<'de>>(datatype: &str, map: &mut A) -> Result<Vec<u8>, A::Error> {
    Ok(match datatype {
        "FP32" => map.next_value::<Vec<f32>>()?.iter().flat_map(|v| v.to_le_bytes()).collect(),
        "INT64" => map.next_value::<Vec<i64>>()?.iter().flat_map(|v| v.to_le_bytes()).collect(),
        "BYTES" => {
            let mut raw = Vec::new();
            for text in map.next_value::<Vec<String>>()? {
                raw.extend_from_slice(&(text.len() as u32).to_le_bytes());
                raw.extend_from_slice(text.as_bytes());
            }
            raw
        }
        _ => return Err(de::Error::custom("datatype must come first, and be FP32, INT64 or BYTES")),
    })
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub fn field(out: &mut Vec<u8>, number: u64, content: &[u8]) {
    varint(out, number << 3 | 2);
    varint(out, content.len() as u64);
    out.extend_from_slice(content);
}

/// A gRPC frame with the ModelInferRequest.
pub fn grpc_request(model: &str, request: &Request) -> Vec<u8> {
    let raw_length: usize = request.inputs.iter().map(|input| input.raw.len()).sum();
    let mut out = Vec::with_capacity(raw_length + 1024);
    out.extend_from_slice(&[0; 5]);
    field(&mut out, 1, model.as_bytes());
    for input in &request.inputs {
        let mut tensor = Vec::new();
        field(&mut tensor, 1, input.name.as_bytes());
        field(&mut tensor, 2, input.datatype.as_bytes());
        let mut shape = Vec::new();
        input.shape.iter().for_each(|&dimension| varint(&mut shape, dimension));
        field(&mut tensor, 3, &shape);
        field(&mut out, 5, &tensor);
    }
    for input in &request.inputs {
        field(&mut out, 7, &input.raw);
    }
    let length = (out.len() - 5) as u32;
    out[1..5].copy_from_slice(&length.to_be_bytes());
    out
}

/// Tag and content of the next length-delimited field; other wire types do not occur in what is measured.
fn next_field<'a>(message: &mut &'a [u8]) -> Option<(u64, &'a [u8])> {
    let tag = read_varint(message)?;
    let length = read_varint(message)? as usize;
    if tag & 7 != 2 || length > message.len() {
        return None;
    }
    let (content, rest) = message.split_at(length);
    *message = rest;
    Some((tag >> 3, content))
}

fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first < 0x80 {
            return Some(value);
        }
    }
    None
}

struct Data<'a> {
    datatype: &'a str,
    raw: &'a [u8],
}

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        match self.datatype {
            "FP32" => {
                for element in self.raw.chunks_exact(4) {
                    list.serialize_element(&f32::from_le_bytes(element.try_into().unwrap()))?;
                }
            }
            "INT64" => {
                for element in self.raw.chunks_exact(8) {
                    list.serialize_element(&i64::from_le_bytes(element.try_into().unwrap()))?;
                }
            }
            _ => {
                let mut rest = self.raw;
                while rest.len() >= 4 {
                    let (length, content) = rest.split_at(4);
                    let length = u32::from_le_bytes(length.try_into().unwrap()) as usize;
                    let (text, more) = content.split_at(length.min(content.len()));
                    list.serialize_element(&String::from_utf8_lossy(text))?;
                    rest = more;
                }
            }
        }
        list.end()
    }
}

/// JSON of a reply with one output, from a gRPC frame with the ModelInferResponse.
pub fn rest_reply(frame: &[u8]) -> Option<Vec<u8>> {
    let mut message = frame.get(5..)?;
    let (mut model, mut name, mut datatype, mut shape) = ("", "", "", Vec::new());
    let mut out = Vec::with_capacity(frame.len() * 3);
    while let Some((number, content)) = next_field(&mut message) {
        if number == 1 {
            model = std::str::from_utf8(content).ok()?;
        } else if number == 5 {
            let mut tensor = content;
            while let Some((number, content)) = next_field(&mut tensor) {
                match number {
                    1 => name = std::str::from_utf8(content).ok()?,
                    2 => datatype = std::str::from_utf8(content).ok()?,
                    _ => {
                        let mut dimensions = content;
                        while let Some(dimension) = read_varint(&mut dimensions) {
                            shape.push(dimension);
                        }
                    }
                }
            }
        } else if number == 6 {
            let head = serde_json::json!({ "name": name, "datatype": datatype, "shape": shape }).to_string();
            out.extend_from_slice(br#"{"model_name":"#);
            serde_json::to_writer(&mut out, model).ok()?;
            out.extend_from_slice(br#","outputs":["#);
            out.extend_from_slice(head[..head.len() - 1].as_bytes());
            out.extend_from_slice(br#","data":"#);
            serde_json::to_writer(&mut out, &Data { datatype, raw: content }).ok()?;
            out.extend_from_slice(b"}]}");
        }
    }
    Some(out)
}
