//! EPICS areaDetector devices in safe Rust: as much of the C library cophyd as it takes to declare a
//! detector, take an image and read its file. `examples/pilatus.rs` does all of it.
//!
//! A type is a handle of C's and frees it when dropped, in any order: a device holds its context.
//! What C says of threads is said by types: all handles may go to other threads and be shared by
//! them, but a device's settings and folders are changed through `&mut`, so by nobody else at that
//! time and not while it is staged.
//!
//! Timeouts: `None` is the library's default for that operation.

mod device;
mod error;
mod frames;

pub use cophyd_sys as sys;
pub use device::{Device, Staged, Status, Value};
pub use error::{Error, Result};
pub use frames::{Frames, Info, Pixel};

use std::os::raw::c_int;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::Arc;
use std::time::Duration;

/// A Channel Access client and the classes that it knows. Clones are the same one.
#[derive(Clone)]
pub struct Context(Arc<Handle>);

struct Handle(*mut sys::oph_context);

// SAFETY: "call anything from any thread".
unsafe impl Send for Handle {}
unsafe impl Sync for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        unsafe { sys::oph_context_free(self.0) }
    }
}

impl Context {
    pub fn new() -> Result<Context> {
        let mut context = ptr::null_mut();
        error::call(|err| unsafe { sys::oph_context_new(ptr::null(), &mut context, err) })?;
        Ok(Context(Arc::new(Handle(context))))
    }

    /// Adds the classes of a text; `origin` is its name in errors. The error's report has every
    /// mistake.
    pub fn parse(&self, text: &str, origin: &str) -> Result<()> {
        let text = error::c_string(text)?;
        let origin = error::c_string(origin)?;
        error::call_with_report(|report, err| unsafe {
            sys::oph_class_parse(self.0 .0, text.as_ptr(), origin.as_ptr(), report, err)
        })
        .map(drop)
    }

    /// Makes every call that blocks now fail with OPH_EINTR, or else the next one.
    pub fn interrupt(&self) {
        unsafe { sys::oph_interrupt(self.0 .0) }
    }

    /// From now on Ctrl-C is `interrupt`. The context stays until the program ends, since a signal
    /// may come at any time.
    pub fn interrupt_on_ctrl_c(&self) {
        const SIGINT: c_int = 2;
        extern "C" {
            fn signal(number: c_int, handler: extern "C" fn(c_int)) -> usize;
        }
        static INTERRUPTED: AtomicPtr<sys::oph_context> = AtomicPtr::new(ptr::null_mut());
        extern "C" fn on_signal(_: c_int) {
            // SAFETY: it is never freed, and this call is the one that is allowed here.
            unsafe { sys::oph_interrupt(INTERRUPTED.load(Ordering::Acquire)) }
        }

        std::mem::forget(self.clone());
        INTERRUPTED.store(self.0 .0, Ordering::Release);
        unsafe { signal(SIGINT, on_signal) };
    }
}

fn seconds(timeout: Option<Duration>) -> f64 {
    timeout.map_or(sys::OPH_DEFAULT, |t| t.as_secs_f64())
}
