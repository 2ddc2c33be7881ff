//! `POST /v2/models/{model}/infer` <-> `inference.GRPCInferenceService/ModelInfer`, whole bodies. What fails at the model is
//! not converted.

use crate::tensor::{grpc_request, rest_reply, Request};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

#[cfg(not(feature = "chain"))]
pub use alone::Root;

pub struct Conversion {
    model: String,
}

impl Conversion {
    /// Of a request with this path; none when it is not one to infer.
    pub fn of(path: &[u8]) -> Option<Self> {
        let rest = std::str::from_utf8(path).ok()?.strip_prefix("/v2/models/")?;
        let model = rest.strip_suffix("/infer")?.to_owned();
        Some(Self { model })
    }
}

impl Context for Conversion {}

impl HttpContext for Conversion {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        self.set_http_request_header(":path", Some("/inference.GRPCInferenceService/ModelInfer"));
        self.set_http_request_header("content-type", Some("application/grpc"));
        self.set_http_request_header("te", Some("trailers"));
        self.set_http_request_header("content-length", None);
        Action::Continue
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        if !end_of_stream {
            return Action::Pause;
        }
        let body = self.get_http_request_body(0, size).unwrap_or_default();
        match serde_json::from_slice::<Request>(&body) {
            Ok(request) => {
                self.set_http_request_body(0, size, &grpc_request(&self.model, &request));
                Action::Continue
            }
            Err(error) => {
                let reply = serde_json::json!({ "error": error.to_string() }).to_string();
                let headers = vec![("content-type", "application/json")];
                self.send_http_response(400, headers, Some(reply.as_bytes()));
                Action::Pause
            }
        }
    }

    fn on_http_response_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        if !end_of_stream {
            self.set_http_response_header("content-type", Some("application/json"));
            self.set_http_response_header("content-length", None);
        }
        Action::Continue
    }

    fn on_http_response_body(&mut self, _: usize, end_of_stream: bool) -> Action {
        if end_of_stream {
            Action::Continue
        } else {
            Action::Pause
        }
    }

    fn on_http_response_trailers(&mut self, _: usize) -> Action {
        if let Some(body) = self.get_http_response_body(0, usize::MAX >> 1) {
            if let Some(json) = rest_reply(&body) {
                self.set_http_response_body(0, body.len(), &json);
            }
        }
        Action::Continue
    }
}

#[cfg(not(feature = "chain"))]
mod alone {
    use super::Conversion;
    use proxy_wasm::traits::{Context, HttpContext, RootContext};
    use proxy_wasm::types::ContextType;

    #[derive(Default)]
    pub struct Root;

    impl Context for Root {}

    impl RootContext for Root {
        fn get_type(&self) -> Option<ContextType> {
            Some(ContextType::HttpContext)
        }

        fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
            let conversion = Conversion::of(b"/v2/models/bench/infer")?;
            Some(Box::new(conversion))
        }
    }
}
