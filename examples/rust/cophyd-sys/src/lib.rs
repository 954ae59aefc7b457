//! The C functions, structs and constants of cophyd with their comments, as the headers have them.
#![allow(non_camel_case_types, non_snake_case, rustdoc::all, clippy::all)]

include!(concat!(env!("OUT_DIR"), "/bindings.rs"));

/// The default that the context, the device or the call has. (A macro in C, with a cast, which
/// bindgen leaves out.)
pub const OPH_DEFAULT: f64 = f64::NAN;
/// No limit.
pub const OPH_FOREVER: f64 = f64::INFINITY;
