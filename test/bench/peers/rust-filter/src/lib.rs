//! What a gateway does, as one would write it in Rust with the proxy-wasm SDK. Without features the conversion alone; with
//! `chain` authentication, limit, conversion and log.

mod conversion;
mod tensor;

#[cfg(feature = "chain")]
mod bucket;
#[cfg(feature = "chain")]
mod chain;
#[cfg(feature = "chain")]
mod config;
#[cfg(feature = "chain")]
mod token;

#[cfg(feature = "chain")]
use chain::Root;
#[cfg(not(feature = "chain"))]
use conversion::Root;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(proxy_wasm::types::LogLevel::Warn);
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}
