//! Finds cophyd by pkg-config, or by the folders COPHYD_INCLUDE and COPHYD_LIB, and has its headers
//! translated by the command `bindgen` (apt-get install bindgen): no other crate is needed.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn folder(variable: &str, name: &str) -> String {
    println!("cargo:rerun-if-env-changed={}", variable);
    let given = env::var(variable).unwrap_or_default();
    if !given.is_empty() {
        return given;
    }
    let found = Command::new("pkg-config")
        .arg(format!("--variable={}", name))
        .arg("cophyd")
        .output()
        .expect("pkg-config could not be run: apt-get install pkg-config");
    assert!(
        found.status.success(),
        "pkg-config does not know cophyd: set PKG_CONFIG_PATH, or {}",
        variable
    );
    String::from_utf8(found.stdout).unwrap().trim().to_owned()
}

fn main() {
    let include = folder("COPHYD_INCLUDE", "includedir");
    let lib = folder("COPHYD_LIB", "libdir");
    let bindings = PathBuf::from(env::var("OUT_DIR").unwrap()).join("bindings.rs");
    let made = Command::new("bindgen")
        .arg("headers.h")
        .arg("--output")
        .arg(bindings)
        .args(["--allowlist-function", "oph_.*"])
        .args(["--allowlist-type", "oph_.*"])
        .args(["--allowlist-var", "OPH_.*"])
        .args(["--opaque-type", "_IO_FILE"])
        .args(["--no-prepend-enum-name", "--with-derive-default"])
        .arg("--size_t-is-usize")
        .args(["--", "-fparse-all-comments"])
        .arg(format!("-I{}", include))
        .status()
        .expect("bindgen could not be run: apt-get install bindgen");
    assert!(
        made.success(),
        "bindgen failed on the headers in {}",
        include
    );

    println!("cargo:rerun-if-changed=headers.h");
    println!("cargo:rerun-if-changed={}/cophyd", include);
    println!("cargo:rustc-link-search=native={}", lib);
    println!("cargo:rustc-link-lib=cophyd");
    if env::var_os("CARGO_FEATURE_SIMULATOR").is_some() {
        println!("cargo:rustc-link-lib=static=cophyd-simulator");
    }
    println!("cargo:lib={}", lib); // for build scripts of crates that depend on this one
}
