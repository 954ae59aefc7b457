//! Programs find the library where they were linked with it.
fn main() {
    let lib = std::env::var("DEP_COPHYD_LIB").unwrap();
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", lib);
}
