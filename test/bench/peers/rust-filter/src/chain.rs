//! Authentication by JSON Web Token, a limit a task, the conversion, and what Envoy's access log prints of them: filter state
//! `wasm.chain`.

use crate::bucket::Bucket;
use crate::config::Config;
use crate::conversion::Conversion;
use crate::token::Verifier;
use hashbrown::HashMap;
use log::error;
use proxy_wasm::hostcalls::get_current_time;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::UNIX_EPOCH;

#[derive(Default)]
pub struct Root {
    gate: Option<Rc<RefCell<Gate>>>,
}

/// Decides who may pass.
struct Gate {
    verifier: Verifier,
    buckets: HashMap<Vec<u8>, Bucket>,
    log: bool,
}

struct Refusal {
    status: u32,
    reason: &'static str,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        let text = self.get_plugin_configuration().unwrap_or_default();
        match serde_json::from_slice::<Config>(&text) {
            Ok(config) => {
                self.gate = Some(Rc::new(RefCell::new(Gate::new(&config))));
                true
            }
            Err(error) => {
                error!("the configuration is not valid: {}", error);
                false
            }
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        let gate = self.gate.clone()?;
        Some(Box::new(Chain { gate, conversion: None }))
    }
}

impl Gate {
    fn new(config: &Config) -> Self {
        let bucket_of = |task| -> (Vec<u8>, Bucket) {
            let task: &crate::config::Task = task;
            (task.taskid.as_bytes().to_vec(), Bucket::new(task))
        };
        Self {
            verifier: Verifier::new(config),
            buckets: config.tasks.iter().map(bucket_of).collect(),
            log: config.log,
        }
    }

    /// The subject of the caller's token, when the request may pass.
    fn admit(&mut self, authorization: Option<&[u8]>, taskid: Option<&[u8]>) -> Result<Rc<str>, Refusal> {
        let refuse = |status, reason| Refusal { status, reason };
        let now = get_current_time().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let now = now.ok_or_else(|| refuse(500, "no_clock"))?;
        let token = authorization.and_then(|value| value.strip_prefix(b"Bearer "));
        let token = token.ok_or_else(|| refuse(401, "token_missing"))?;
        let subject = self.verifier.verify(token, now.as_secs()).map_err(|reason| refuse(401, reason))?;
        let bucket = taskid.and_then(|taskid| self.buckets.get_mut(taskid));
        let bucket = bucket.ok_or_else(|| refuse(403, "task_unknown"))?;
        if !bucket.take(now.as_secs_f64()) {
            return Err(refuse(429, "task_rate_limited"));
        }
        Ok(subject)
    }
}

struct Chain {
    gate: Rc<RefCell<Gate>>,
    conversion: Option<Conversion>,
}

impl Chain {
    fn log(&self, decision: &str, what: &str) {
        let text = [decision, " ", what].concat();
        self.set_property(vec!["chain"], Some(text.as_bytes()));
    }

    fn conversion(&self) -> Option<Conversion> {
        let content_type = self.get_http_request_header_bytes("content-type")?;
        if !content_type.starts_with(b"application/json") {
            return None;
        }
        Conversion::of(&self.get_http_request_header_bytes(":path")?)
    }
}

impl Context for Chain {}

impl HttpContext for Chain {
    fn on_http_request_headers(&mut self, count: usize, end_of_stream: bool) -> Action {
        let authorization = self.get_http_request_header_bytes("authorization");
        let taskid = self.get_http_request_header_bytes("taskid");
        let mut gate = self.gate.borrow_mut();
        let admitted = gate.admit(authorization.as_deref(), taskid.as_deref());
        let log = gate.log;
        drop(gate);
        match admitted {
            Ok(subject) => {
                if log {
                    self.log("admitted", &subject);
                }
                self.set_http_request_header("authorization", None);
                if !end_of_stream {
                    self.conversion = self.conversion();
                }
                match &mut self.conversion {
                    Some(conversion) => conversion.on_http_request_headers(count, end_of_stream),
                    None => Action::Continue,
                }
            }
            Err(Refusal { status, reason }) => {
                if log {
                    self.log("refused", reason);
                }
                let body = format!(r#"{{"error":"{}"}}"#, reason);
                let headers = vec![("content-type", "application/json")];
                self.send_http_response(status, headers, Some(body.as_bytes()));
                Action::Pause
            }
        }
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        match &mut self.conversion {
            Some(conversion) => conversion.on_http_request_body(size, end_of_stream),
            None => Action::Continue,
        }
    }

    fn on_http_response_headers(&mut self, count: usize, end_of_stream: bool) -> Action {
        match &mut self.conversion {
            Some(conversion) => conversion.on_http_response_headers(count, end_of_stream),
            None => Action::Continue,
        }
    }

    fn on_http_response_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        match &mut self.conversion {
            Some(conversion) => conversion.on_http_response_body(size, end_of_stream),
            None => Action::Continue,
        }
    }

    fn on_http_response_trailers(&mut self, count: usize) -> Action {
        match &mut self.conversion {
            Some(conversion) => conversion.on_http_response_trailers(count),
            None => Action::Continue,
        }
    }
}
